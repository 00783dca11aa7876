"""What the view says: its people in a temporary table, matched with the users, and whom it cannot be followed for.

Every statement is for all people at once. Some mistakes make the whole view unusable, such as a person who is in it
twice: they are refused. Others concern one person, who is then left out and keeps their user as it is.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from psycopg import sql

from accounts.people.from_view.source import PeopleRefused, Source

LISTED = 10  # the most names in a sentence
LONGEST = {"user_name": 254, "first_name": 150, "last_name": 150, "team": 200, "employee_id": 64}
LONGEST_ID = 200

# Every statement is about all people. The planner does not know how many they are: the table of users may have been
# filled just now, and only its owner may analyze it.
PLAN_FOR_MANY = "SET LOCAL enable_nestloop = off; SET LOCAL jit = off"
CLEAR = "DROP TABLE IF EXISTS pg_temp.people_read, pg_temp.people, pg_temp.people_changed"
READ = "CREATE TEMP TABLE people_read ON COMMIT DROP AS SELECT {values} FROM {view}"
# A tenant is named by its name or its ID. Without the column, all people are of the only tenant.
STAGE = """
CREATE TEMP TABLE people ON COMMIT DROP AS
SELECT row_number() OVER () AS n, p.*, t.id AS tenant_id, u.id AS user_id, NULL::bigint AS team_id,
    NULL::bigint AS other_id, false AS drops_email, false AS drops_employee_id,
    CASE
        WHEN u.id = ANY (%(administrators)s) THEN 'administrator'
        WHEN p.user_name = '' THEN 'no user_name'
        {too_long}
    END AS why
FROM people_read AS p
LEFT JOIN LATERAL (
    SELECT id FROM tenancy_tenant AS t
    WHERE NOT %(has_tenant)s OR lower(t.name) = lower(p.tenant) OR t.id::text = p.tenant
    ORDER BY lower(t.name) = lower(p.tenant) DESC LIMIT 1
) AS t ON true
LEFT JOIN accounts_user AS u ON u.external_id = p.person_id AND u.tenant_id = t.id AND u.external_id <> ''
"""
TOO_LONG = "WHEN length(p.{0}) > {1} THEN {2}"

# Each of these makes the whole view unusable.
COUNTS = """
SELECT count(*), count(*) FILTER (WHERE coalesce(btrim(person_id), '') = ''),
    count(*) FILTER (WHERE length(person_id) > %(longest)s), count(*) FILTER (WHERE active IS NULL)
FROM people_read
"""
UNKNOWN_TENANTS = "SELECT DISTINCT tenant FROM people WHERE tenant_id IS NULL ORDER BY tenant"
TWICE = """
SELECT person_id FROM people GROUP BY tenant_id, person_id HAVING count(*) > 1 ORDER BY person_id
"""

# A user name is wanted by a person who does not have it. The person is left out if another one in the view wants it
# too, or if it is the user name or email of a user whom the view does not change (people sign in with either); in turn,
# that keeps the name and email of the person left out.
CLASHES = """
WITH RECURSIVE wanted AS MATERIALIZED (
    SELECT p.n, p.user_id, lower(p.user_name) AS name,
        (lower(u.username) = lower(p.user_name)) IS TRUE AS has_it
    FROM people AS p LEFT JOIN accounts_user AS u ON u.id = p.user_id
    WHERE p.why IS NULL
),
holder AS MATERIALIZED (
    SELECT w.n, u.id, p.n AS holder, p.why IS NULL AND p.n IS NOT NULL AS may_change
    FROM wanted AS w
    JOIN (
        SELECT id, lower(username) AS name FROM accounts_user
        UNION
        SELECT id, lower(email) FROM accounts_user WHERE email <> ''
    ) AS u ON u.name = w.name
    LEFT JOIN people AS p ON p.user_id = u.id
    WHERE NOT w.has_it AND u.id IS DISTINCT FROM w.user_id
),
lost (n, other_id) AS (
    (
        SELECT n, NULL::bigint FROM wanted
        WHERE NOT has_it AND name IN (SELECT name FROM wanted GROUP BY name HAVING count(*) > 1)
        UNION
        SELECT n, id FROM holder WHERE NOT may_change
    )
    UNION
    SELECT holder.n, holder.id FROM lost JOIN holder ON holder.holder = lost.n
)
UPDATE people AS p SET why = 'user name', other_id = clash.other_id
FROM (SELECT n, max(other_id) AS other_id FROM lost GROUP BY n) AS clash
WHERE clash.n = p.n
"""
# An email or employee ID that another user has, or that several people have, is stored for none of them. Neither is an
# email that is somebody else's user name.
DROP_EMAILS = """
UPDATE people AS p SET drops_email = true, email = ''
WHERE p.why IS NULL AND p.email <> '' AND (
    p.email !~ '^[^@[:space:]]+@[^@[:space:].]+([.][^@[:space:].]+)+$' OR length(p.email) > 254
    OR lower(p.email) IN (
        SELECT lower(email) FROM people WHERE why IS NULL AND email <> '' GROUP BY 1 HAVING count(*) > 1
    )
    OR lower(p.email) IN (
        SELECT lower(u.email) FROM accounts_user AS u
        WHERE u.email <> '' AND NOT EXISTS (SELECT FROM people AS o WHERE o.user_id = u.id AND o.why IS NULL)
    )
    OR lower(p.email) <> lower(p.user_name)
        AND lower(p.email) IN (SELECT lower(user_name) FROM people WHERE why IS NULL)
    OR lower(p.email) IN (
        SELECT lower(u.username) FROM accounts_user AS u
        WHERE NOT EXISTS (SELECT FROM people AS o WHERE o.user_id = u.id AND o.why IS NULL)
    )
)
"""
DROP_EMPLOYEE_IDS = """
UPDATE people AS p SET drops_employee_id = true, employee_id = ''
WHERE p.why IS NULL AND p.employee_id <> '' AND (
    (p.tenant_id, p.employee_id) IN (
        SELECT tenant_id, employee_id FROM people WHERE why IS NULL GROUP BY 1, 2 HAVING count(*) > 1
    )
    OR (p.tenant_id, p.employee_id) IN (
        SELECT u.tenant_id, u.employee_id FROM accounts_user AS u
        WHERE u.employee_id <> '' AND NOT EXISTS (
            SELECT FROM people AS o WHERE o.user_id = u.id AND o.why IS NULL
        )
    )
)
"""


def stage(source: Source, administrators: Sequence[int]) -> None:
    """Read the view, and match its people with users. Raises `PeopleRefused`."""
    run(PLAN_FOR_MANY)
    run(CLEAR)
    run(sql.SQL(READ).format(values=source.values(), view=source.identifier))
    has_tenant = "tenant" in source.types
    refuse_unusable(source, has_tenant=has_tenant)
    run(
        sql.SQL(STAGE).format(too_long=too_long()),
        {"has_tenant": has_tenant, "administrators": list(administrators)},
    )
    run("ANALYZE people")
    refuse_tenants_and_doubles(source)
    run(CLASHES)
    run(DROP_EMAILS)
    run(DROP_EMPLOYEE_IDS)


def too_long() -> sql.Composed:
    return sql.SQL(" ").join(
        sql.SQL(TOO_LONG).format(sql.Identifier(name), sql.Literal(length), sql.Literal(f"long {name}"))
        for name, length in LONGEST.items()
    )


def refuse_unusable(source: Source, *, has_tenant: bool) -> None:
    [(people, without_id, long_ids, unclear)] = rows(COUNTS, {"longest": LONGEST_ID})
    [(tenants,)] = rows("SELECT count(*) FROM tenancy_tenant")
    wrong = {
        f"{source.name} is empty. Nobody was deactivated: if that is what you want, use the Users page.": not people,
        f"{source.name} has {without_id:,} rows without a person_id. Every person needs one.": without_id,
        f"{source.name} has {long_ids:,} rows with a person_id of more than {LONGEST_ID} characters.": long_ids,
        f"{source.name} has {unclear:,} rows in which active is neither yes nor no. Use true or false.": unclear,
        "There is no tenant yet. Create one with manage.py new_tenant.": not tenants,
        f"{source.name} has no column tenant, and there are {tenants:,} tenants. Add the column, with their names or"
        " IDs.": not has_tenant and tenants > 1,
    }
    sentences = [sentence for sentence, is_wrong in wrong.items() if is_wrong]
    if sentences:
        raise PeopleRefused(*sentences)


def refuse_tenants_and_doubles(source: Source) -> None:
    sentences = []
    if unknown := [name for (name,) in rows(UNKNOWN_TENANTS)]:
        known = listed([name for (name,) in rows("SELECT name FROM tenancy_tenant ORDER BY name")])
        sentences.append(
            f"{source.name} names tenants that do not exist: {listed([name or '(empty)' for name in unknown])}. There"
            f" are: {known}. Correct the names, or create the tenants with manage.py new_tenant."
        )
    elif twice := [person for (person,) in rows(TWICE)]:
        sentences.append(
            f"{source.name} has {len(twice):,} people more than once: person_id {listed(twice)}. Each person must be"
            " one row."
        )
    if sentences:
        raise PeopleRefused(*sentences)


def listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def run(statement: str | sql.Composed, parameters: dict[str, Any] | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(as_text(statement), parameters)
        return int(cursor.rowcount)


def rows(statement: str | sql.Composed, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(as_text(statement), parameters)
        return list(cursor.fetchall())


def as_text(statement: str | sql.Composed) -> str:
    return statement if isinstance(statement, str) else statement.as_string(connection.connection)
