"""Demo users with a special condition, so that each check can be seen at work."""

from dataclasses import dataclass

from django.db import connection
from psycopg import sql

from accounts.models import User
from accounts.permissions import TENANT_ADMINISTRATOR, StandardRole
from transfers.engine.compiler.owners import column_of
from transfers.registry import data_types
from transfers.rules import Column


@dataclass(frozen=True)
class Trap:
    """`beyond`: assigned EnterpriseView, which reaches beyond other users' views. `watched`: in a team of the narrow
    view. `records`: has any. `frozen`: the database refuses records for them, which no check knows before the run."""

    username: str
    first_name: str
    last_name: str
    sentence: str
    role: StandardRole | None = None
    is_active: bool = True
    beyond: bool = False
    watched: bool = True
    records: bool = True
    frozen: bool = False


TRAPS = [
    Trap("maria.silva", "Maria", "Silva", "Has a namesake: look at the id, the user name and the team."),
    Trap("maria.silva.night", "Maria", "Silva", "The other Maria Silva, in another team.", watched=False),
    Trap(
        "tomas.ferreira",
        "Tomás",
        "Ferreira",
        "A tenant administrator among the agents: never source, never target.",
        role=TENANT_ADMINISTRATOR,
    ),
    Trap(
        "renee.oneill",
        "Renée",
        "O'Neill",
        "Sees everybody: refused as a source to who sees less.",
        beyond=True,
    ),
    Trap("zeljko.horvat", "Željko", "Horvat", "Has left: as a target there is a warning.", is_active=False),
    Trap(
        "nils.akesson",
        "Nils",
        "Åkesson",
        "Started yesterday and has no records: nothing would move.",
        records=False,
    ),
    Trap(
        "iva.frost",
        "Iva",
        "Frost",
        "As a target every transfer fails: the database has a rule against new records for her.",
        frozen=True,
    ),
    Trap("nour.alhashimi", "نور", "الهاشمي", "A name that is read from right to left."),
    Trap("minsu.kim", "민수", "김", "A name that an ASCII spreadsheet cannot show."),
    Trap(
        "plus.desk", "+Overflow", "Desk", "A shared login whose name a spreadsheet would take for a formula."
    ),
]


FREEZE = """
ALTER TABLE {table} ADD CONSTRAINT demo_frozen_records CHECK ({owner} <> {person}) NOT VALID
"""


def freeze() -> None:
    """Make the database refuse records of one type for frozen users: an error that no preview can know.

    Uses the first overwritten data type; existing rows stay.
    """
    entry = next(entry for entry in data_types() if entry.overwrites and isinstance(entry.owners[0], Column))
    owner = column_of(entry.model, entry.owners[0].field)
    for trap in (trap for trap in TRAPS if trap.frozen):
        names = {
            "table": sql.Identifier(entry.model._meta.db_table),
            "owner": sql.Identifier(owner),
            "person": sql.Literal(User.objects.get(username=trap.username).pk),
        }
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(FREEZE).format(**names))
