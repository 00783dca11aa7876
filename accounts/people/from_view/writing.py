"""Stores the staged people as users, each change with an event in the audit log: one statement per kind of change."""

from django.contrib.auth.hashers import make_password
from psycopg import sql

from accounts.people.from_view.source import Source
from accounts.people.from_view.staging import rows, run

NOTE = "From the view of people."

# Teams are compared ignoring case, as in user imports.
NEW_TEAMS = """
WITH made AS (
    INSERT INTO accounts_team (tenant_id, name)
    SELECT p.tenant_id, min(p.team) FROM people AS p
    WHERE p.why IS NULL AND p.team <> '' AND NOT EXISTS (
        SELECT FROM accounts_team AS t WHERE t.tenant_id = p.tenant_id AND lower(t.name) = lower(p.team)
    )
    GROUP BY p.tenant_id, lower(p.team)
    RETURNING id, tenant_id, name
)
INSERT INTO audit_auditevent (tenant_id, kind, actor_name, details)
SELECT tenant_id, 'team-created', '', jsonb_build_object(
    'subject_id', id, 'name', name, 'summary', {note}, 'changes', '[]'::jsonb
)
FROM made ORDER BY id
"""
ASSIGN_TEAMS = """
UPDATE people AS p SET team_id = t.id
FROM (
    SELECT DISTINCT ON (tenant_id, lower(name)) id, tenant_id, lower(name) AS name FROM accounts_team
    ORDER BY tenant_id, lower(name), id
) AS t
WHERE p.why IS NULL AND t.tenant_id = p.tenant_id AND t.name = lower(p.team)
"""
# A person who vanished from the view is deactivated. Administrators are not: `staging` marks those who are in the view,
# and `administrators` are the others.
CHANGES = """
CREATE TEMP TABLE people_changed ON COMMIT DROP AS
SELECT u.id AS user_id, u.tenant_id, p.n IS NULL AS has_vanished, {old}, {new}
FROM accounts_user AS u
LEFT JOIN people AS p ON p.user_id = u.id
WHERE u.external_id <> '' AND CASE
    WHEN p.n IS NULL THEN u.is_active AND u.id <> ALL (%(administrators)s)
    ELSE p.why IS NULL AND ({old_values}) IS DISTINCT FROM ({new_values})
END
ORDER BY u.id
FOR NO KEY UPDATE OF u
"""
# A value that one user gives up may be given to another, so it is emptied before the users are written.
FREE_UNIQUE_VALUES = """
UPDATE accounts_user AS u SET username = chr(1) || 'freed ' || u.id, email = '', employee_id = ''
FROM people_changed AS c
WHERE u.id = c.user_id AND (
    lower(c.old_username) <> lower(c.username)
        AND lower(c.old_username) IN (SELECT lower(user_name) FROM people WHERE why IS NULL)
    OR lower(c.old_email) <> lower(c.email)
        AND lower(c.old_email) IN (SELECT lower(email) FROM people WHERE why IS NULL)
    OR c.old_employee_id <> c.employee_id
        AND (c.tenant_id, c.old_employee_id) IN (SELECT tenant_id, employee_id FROM people WHERE why IS NULL)
)
"""
UPDATE = """
UPDATE accounts_user AS u SET {assignments}, updated_at = now()
FROM people_changed AS c
WHERE u.id = c.user_id
"""
CREATE = """
WITH made AS (
    INSERT INTO accounts_user (
        tenant_id, password, external_id, username, first_name, last_name, email, employee_id, team_id, is_active,
        created_at, updated_at
    )
    SELECT tenant_id, {password}, person_id, user_name, first_name, last_name, email, employee_id, team_id, active,
        now(), now()
    FROM people WHERE why IS NULL AND user_id IS NULL
    ORDER BY n
    RETURNING id, tenant_id, {columns}
)
INSERT INTO people_changed (user_id, tenant_id, {columns}) SELECT id, tenant_id, {columns} FROM made
"""
AUDIT = """
INSERT INTO audit_auditevent (tenant_id, kind, actor_name, details)
SELECT c.tenant_id, CASE WHEN c.old_username IS NULL THEN 'user-created' ELSE 'user-changed' END, '',
    jsonb_build_object(
        'subject_id', c.user_id,
        'name', coalesce(
            nullif(
                btrim(coalesce(c.old_first_name, c.first_name) || ' ' || coalesce(c.old_last_name, c.last_name)), ''
            ),
            c.old_username, c.username
        ),
        'summary', d.summary || ' ' || {note},
        'changes', d.changes
    )
FROM people_changed AS c
LEFT JOIN accounts_team AS old_team ON old_team.id = c.old_team_id
LEFT JOIN accounts_team AS team ON team.id = c.team_id
CROSS JOIN LATERAL (
    SELECT
        string_agg(
            v.field || ': ' || coalesce(nullif(v.before, ''), 'none') || ' → ' || coalesce(nullif(v.after, ''), 'none')
            || '.', ' ' ORDER BY v.place
        ) AS summary,
        jsonb_agg(
            jsonb_build_object('field', v.field, 'before', coalesce(v.before, ''), 'after', coalesce(v.after, ''))
            ORDER BY v.place
        ) AS changes
    FROM (VALUES
        (1, 'External ID', c.old_external_id, c.external_id), (2, 'User name', c.old_username, c.username),
        (3, 'First name', c.old_first_name, c.first_name), (4, 'Last name', c.old_last_name, c.last_name),
        (5, 'Email', c.old_email, c.email), (6, 'Employee ID', c.old_employee_id, c.employee_id),
        (7, 'Active', CASE c.old_is_active WHEN true THEN 'yes' WHEN false THEN 'no' END,
            CASE WHEN c.is_active THEN 'yes' ELSE 'no' END),
        (8, 'Team', old_team.name, team.name)
    ) AS v (place, field, before, after)
    WHERE coalesce(v.before, '') <> coalesce(v.after, '')
) AS d
ORDER BY c.user_id
"""
COLUMNS = (
    "external_id",
    "username",
    "first_name",
    "last_name",
    "email",
    "employee_id",
    "team_id",
    "is_active",
)
OF_PERSON = {"external_id": "person_id", "username": "user_name", "is_active": "active"}
DEACTIVATED = "SELECT user_id FROM people_changed WHERE old_is_active AND NOT is_active ORDER BY user_id"


def write(source: Source, administrators: list[int]) -> list[int]:
    """Create, change and deactivate the users, and return the IDs of those who were deactivated."""
    note = sql.Literal(NOTE)
    run(sql.SQL(NEW_TEAMS).format(note=note))
    run(ASSIGN_TEAMS)
    run(changes(source), {"administrators": administrators})
    run(FREE_UNIQUE_VALUES)
    run(sql.SQL(UPDATE).format(assignments=listed("{0} = c.{0}")))
    run(sql.SQL(CREATE).format(password=sql.Literal(make_password(None)), columns=listed("{0}")))
    run("ANALYZE people_changed")
    run(sql.SQL(AUDIT).format(note=note))
    return [pk for (pk,) in rows(DEACTIVATED)]


def changes(source: Source) -> sql.Composed:
    """Return the statement that notes and locks the users to change, in the order of their IDs, as transfers do."""
    new = {name: new_value(source, name) for name in COLUMNS}
    return sql.SQL(CHANGES).format(
        old=listed("u.{0} AS old_{0}"),
        new=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(value, sql.Identifier(name)) for name, value in new.items()
        ),
        old_values=listed("u.{0}"),
        new_values=sql.SQL(", ").join(new.values()),
    )


def new_value(source: Source, name: str) -> sql.Composable:
    """Return the value of a column after the change. Without the column employee_id, these IDs stay as they are."""
    if name == "employee_id" and name not in source.types:
        return sql.SQL("u.employee_id")
    if name == "is_active":
        return sql.SQL("coalesce(p.active, false)")
    person = sql.SQL("p.{}").format(sql.Identifier(OF_PERSON.get(name, name)))
    return sql.SQL("CASE WHEN p.n IS NULL THEN u.{} ELSE {} END").format(sql.Identifier(name), person)


def listed(template: str) -> sql.Composable:
    return sql.SQL(", ".join(template.format(name) for name in COLUMNS))
