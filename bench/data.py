"""Create the benchmark data with the demo's generators, so that every registered data type has rows.

Each template database holds the user `admin`, who sees all users and starts the transfers, and groups of agents. The
agents of one group have about the same number of rows. The first half of a group are the source users of its pairs, the
second half the target users.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from django.core.management import call_command
from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast
from psycopg import sql

from accounts.models import AccessViewAssignment, User
from bench.server import Server, enter, leave
from demo import organisation
from demo.names import ORIGINS
from demo.organisation import Scene
from demo.records.copying import finish
from demo.records.draw import Agent
from demo.seed import Seeding, fill
from demo.special_users import SPECIAL_USERS
from records.quality.models import ContactGoal, ContactGoalProgress
from transfers.engine.catalog.tables import Table, read_tables
from transfers.engine.compiler.steps import identifiers
from transfers.registry import data_types
from transfers.rules import Column, DataType

UNTIL = date(2026, 1, 1)
Pair = tuple[int, int]


@dataclass(frozen=True)
class Group:
    """A group of `pairs` pairs. Each user in it gets about `share` times the `demo_rows` of every data type."""

    name: str
    pairs: int
    share: float


def make_empty(server: Server, name: str) -> None:
    """Create a migrated database without data."""
    server.drop(name)
    server.command_sql("CREATE DATABASE {}", name)
    enter(name)
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    leave()


def make_template(server: Server, empty: str, name: str, groups: Sequence[Group]) -> dict[str, list[Pair]]:
    """Fill a copy of the empty database, and return the pairs by group name."""
    server.copy(empty, name)
    enter(name)
    # More users than needed, because inactive ones are left out.
    users = int(2 * sum(group.pairs for group in groups) * 1.2) + 100
    first, second = organisation.make(users, 1, UNTIL)
    agents, pairs = apportion(ordinary(first.agents), groups)
    seeding = Seeding(1.0, 1, UNTIL)
    fill(seeding, [replace(first, agents=agents), Scene(second.tenant, second.agents[:4])], lambda text: None)
    finish([User, *seeding.counts])
    User.objects.update(external_id=Cast("pk", TextField()))
    AccessViewAssignment.objects.filter(user_id__in=users_without_rows(groups, pairs)).delete()
    vacuum()
    leave()
    return pairs


def ordinary(agents: Sequence[Agent]) -> list[Agent]:
    special = {user.username for user in SPECIAL_USERS}
    return [agent for agent in agents if agent.username not in special and agent.is_active]


def apportion(agents: list[Agent], groups: Sequence[Group]) -> tuple[list[Agent], dict[str, list[Pair]]]:
    made: list[Agent] = []
    pairs: dict[str, list[Pair]] = {}
    rest = iter(agents)
    for group in groups:
        members = [replace(next(rest), share=group.share) for _ in range(2 * group.pairs)]
        # Leave out the members of groups without rows, so that other agents' records do not reference them.
        made += members if group.share else []
        ids = [member.id for member in members]
        pairs[group.name] = list(zip(ids[: group.pairs], ids[group.pairs :], strict=True))
    return made, pairs


def users_without_rows(groups: Sequence[Group], pairs: dict[str, list[Pair]]) -> list[int]:
    """Return all users of the groups whose share of rows is zero.

    The caller deletes their view assignments, which every new user gets and which would count as rows.
    """
    empty = [group.name for group in groups if group.share == 0]
    return [user for name in empty for pair in pairs[name] for user in pair]


def multiply(server: Server, name: str, user: int, rows: int) -> None:
    """Copy the user's rows of data types without a unique key until the user has about `rows` of them."""
    enter(name)
    tables = read_tables(entry.model._meta.db_table for entry in data_types())
    keyless = [entry for entry in data_types() if copyable(entry, tables[entry.model._meta.db_table])]
    times = rows // sum(entry.demo_rows for entry in keyless)
    with connection.cursor() as cursor:
        for entry in keyless:
            table, key = entry.model._meta.db_table, entry.model._meta.pk.column
            names = {
                "table": sql.Identifier(table),
                "columns": identifiers(column for column in tables[table].columns if column != key),
                "owner": sql.Identifier(entry.model._meta.get_field(entry.owners[0].field).column),
            }
            statement = sql.SQL(COPY_ROWS).format(**names).as_string(connection.connection)
            cursor.execute(statement, {"user": user, "times": times})
    vacuum()
    leave()


COPY_ROWS = """
INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}, generate_series(2, %(times)s) WHERE {owner} = %(user)s
"""


def copyable(entry: DataType, table: Table) -> bool:
    return (
        isinstance(entry.owners[0], Column)
        and all(key.is_primary for key in table.keys)
        and not entry.children
    )


def clash(server: Server, name: str, pairs: dict[str, list[Pair]], rows: int) -> None:
    """Give both users of the pair of each group in CLASHES this many rows with the same keys."""
    enter(name)
    for group, make in CLASHES.items():
        for user in pairs[group][0]:
            make(user, rows)
    vacuum()
    leave()


def progress_of(user: int, rows: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    days = (date(1990, 1, 1) + timedelta(number) for number in range(rows))
    goal = ContactGoal.objects.earliest("pk").pk
    ContactGoalProgress.objects.bulk_create(
        (
            ContactGoalProgress(goal_id=goal, person_id=user, period=day, recorded=1, updated_at=now)
            for day in days
        ),
        batch_size=2000,
    )


def goals_of(user: int, rows: int) -> None:
    ContactGoal.objects.bulk_create(
        (ContactGoal(owner_id=user, name=f"Goal {number}", contacts=10) for number in range(rows)),
        batch_size=2000,
    )


CLASHES = {"merged": progress_of, "renamed": goals_of}  # by what the rule of the data type does with them


def vacuum() -> None:
    """Vacuum and analyze, so that the tables have hint bits and statistics like tables in long use."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE, FREEZE)")


MORE_USERS = """
WITH names AS (SELECT %(first)s::text[] AS first, %(last)s::text[] AS last),
people AS (
    SELECT n, first[1 + floor(random() * cardinality(first))::int] AS first,
        last[1 + floor(random() * cardinality(last))::int] AS last
    FROM generate_series(1, %(users)s) AS n, names
)
INSERT INTO accounts_user (
    tenant_id, username, first_name, last_name, email, employee_id, password, team_id, is_active, created_at, updated_at
)
SELECT %(tenant)s, 'agent' || n, first, last, 'agent' || n || '@bench.example', 'B' || n, '!',
    (%(teams)s::bigint[])[1 + n %% cardinality(%(teams)s::bigint[])], n %% 8 <> 0, now(), now()
FROM people
"""


def make_people(server: Server, template: str, name: str, users: int) -> None:
    """Create a copy of the template, and add users to it until there are `users` in total."""
    server.copy(template, name)
    enter(name)
    admin = User.objects.get(username="admin")
    names = [pair[place].replace("_", " ").split(" ") for pair in ORIGINS for place in (0, 1)]
    parameters = {
        "first": [word for words in names[::2] for word in words],
        "last": [word for words in names[1::2] for word in words],
        "users": max(users - User.objects.count(), 1),
        "tenant": admin.tenant_id,
        "teams": list(admin.tenant.teams.order_by("pk").values_list("pk", flat=True)),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(MORE_USERS, parameters)
    vacuum()
    leave()
