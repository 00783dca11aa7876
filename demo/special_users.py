"""Demo users who trigger a check or a failure, so that the effect of each can be seen."""

from dataclasses import dataclass

from django.db import connection
from psycopg import sql

from accounts.models import User
from accounts.permissions import TENANT_ADMINISTRATOR, StandardRole
from transfers.engine.compiler.owners import column_of
from transfers.registry import data_types
from transfers.rules import Column


@dataclass(frozen=True)
class SpecialUser:
    """A demo user who triggers a check or a failure.

    beyond: the user is assigned EnterpriseView, and so sees more than most users. watched: the user is in a team of the
    operator's view. records: the user has records. frozen: a database constraint rejects new records of the user. No
    check before a transfer can detect this.
    """

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


SPECIAL_USERS = [
    SpecialUser("maria.silva", "Maria", "Silva", "Has a namesake: compare ID, user name and team."),
    SpecialUser(
        "maria.silva.night", "Maria", "Silva", "The other Maria Silva, in another team.", watched=False
    ),
    SpecialUser(
        "tomas.ferreira",
        "Tomás",
        "Ferreira",
        "A tenant administrator among the agents: can be neither source nor target.",
        role=TENANT_ADMINISTRATOR,
    ),
    SpecialUser(
        "renee.oneill",
        "Renée",
        "O'Neill",
        "Sees all users: refused as a source if the person running the transfer sees fewer users.",
        beyond=True,
    ),
    SpecialUser(
        "zeljko.horvat",
        "Željko",
        "Horvat",
        "Inactive: causes a warning when chosen as a target.",
        is_active=False,
    ),
    SpecialUser(
        "nils.akesson",
        "Nils",
        "Åkesson",
        "Started yesterday and has no records to move.",
        records=False,
    ),
    SpecialUser(
        "iva.frost",
        "Iva",
        "Frost",
        "Every transfer to her fails: a database constraint rejects new records for her.",
        frozen=True,
    ),
    SpecialUser("nour.alhashimi", "نور", "الهاشمي", "A name written from right to left."),
    SpecialUser("minsu.kim", "민수", "김", "A name in Korean script."),
    SpecialUser(
        "plus.desk", "+Overflow", "Desk", "A shared login whose name looks like a spreadsheet formula."
    ),
]


FREEZE = """
ALTER TABLE {table} ADD CONSTRAINT demo_frozen_records CHECK ({owner} <> {person}) NOT VALID
"""


def freeze() -> None:
    """Add a constraint that rejects new records of one data type for the frozen users. No check can predict this error.

    The data type is the first one that is overwritten. Existing rows are not checked, because the constraint is NOT
    VALID.
    """
    entry = next(entry for entry in data_types() if entry.overwrites and isinstance(entry.owners[0], Column))
    owner = column_of(entry.model, entry.owners[0].field)
    for user in (user for user in SPECIAL_USERS if user.frozen):
        names = {
            "table": sql.Identifier(entry.model._meta.db_table),
            "owner": sql.Identifier(owner),
            "person": sql.Literal(User.objects.get(username=user.username).pk),
        }
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(FREEZE).format(**names))
