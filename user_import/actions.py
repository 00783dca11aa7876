"""Reading a file, and storing what was confirmed of it; keyword-only, `by` the person, `address` their IP address."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePosixPath
from typing import BinaryIO

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from accounts.actions.administering import administering, tell, unique_keys
from accounts.changes import Change
from accounts.models import AccessView, AccessViewAssignment, Role, RoleAssignment, Team, User
from accounts.permissions import Permission
from accounts.sessions import end_sessions
from transfers import audit
from transfers.people_csv import FileRejected
from transfers.problems import shown
from user_import.judging import CHANGED, CREATED, ERROR, Outcome, digest, judge
from user_import.models import UserImport
from user_import.reading import ROLES, VIEWS, Row, read

KEPT_FOR = timedelta(days=1)


class ImportChanged(Exception):
    """What the file would do is not what was shown; nothing was stored."""


def upload(*, by: User, file_name: str, stream: BinaryIO, address: str | None = None) -> UserImport:
    """Keeps the rows until they are confirmed, in place of any file before. Raises `FileRejected`."""
    try:
        file = read(stream)
    except FileRejected as refused:
        reason = refused.problem.sentence
        audit.record("file-refused", tenant_id=by.tenant_id, by=by, address=address, reason=reason)
        raise
    UserImport.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    kept = {
        "file_name": shown(PurePosixPath(file_name.replace("\\", "/")).name),
        "rows": [row.to_json() for row in file.rows],
        "notes": [note.to_json() for note in file.notes],
    }
    with transaction.atomic():
        UserImport.objects.filter(made_by=by).delete()
        return UserImport.objects.create(made_by=by, **kept)


def discard(*, by: User) -> None:
    UserImport.objects.filter(made_by=by).delete()


def outcomes_of(person: User, waiting: UserImport) -> list[Outcome]:
    return judge(person, [Row(**row) for row in waiting.rows])


def confirm(*, by: User, seen: str, address: str | None = None) -> tuple[int, int]:
    """Stores it: the numbers of users created and changed. seen: the digest of the outcomes that were shown.

    Raises `ImportChanged` when they are others by now, `Refused` when a value was taken in the same moment. Everything
    or nothing is stored, by a number of statements that does not depend on the rows.
    """
    with administering(by, Permission.MANAGE_USERS) as person:
        waiting = UserImport.objects.select_for_update().filter(made_by=person).first()
        if waiting is None:
            raise ImportChanged
        lock_users(person, waiting)
        outcomes = outcomes_of(person, waiting)
        if digest(outcomes) != seen or any(outcome.kind == ERROR for outcome in outcomes):
            raise ImportChanged
        numbers = store(person, outcomes, waiting.file_name, address)
        waiting.delete()
        return numbers


def lock_users(person: User, waiting: UserImport) -> None:
    """In the order of their ids, as a running transfer does, so that neither waits for the other for ever."""
    names = [row["cells"].get("User Name", "") for row in waiting.rows]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM accounts_user WHERE tenant_id = %s"
            " AND lower(username) = ANY(ARRAY(SELECT lower(text) FROM unnest(%s::text[]) AS t (text)))"
            " ORDER BY id FOR NO KEY UPDATE",
            [person.tenant_id, names],
        )


def store(person: User, outcomes: Sequence[Outcome], file_name: str, address: str | None) -> tuple[int, int]:
    new = [outcome for outcome in outcomes if outcome.kind == CREATED]
    changed = [outcome for outcome in outcomes if outcome.kind == CHANGED]
    with unique_keys():
        ids = create(person, new)
        update(person, changed)
    end_sessions(outcome.user.pk for outcome in changed if outcome.user and outcome.wanted["Active"] == "no")
    ids |= {outcome.row.number: outcome.user.pk for outcome in changed if outcome.user}
    give(person, [*new, *changed], ids)
    changes = [change_of(outcome, ids[outcome.row.number]) for outcome in (*new, *changed)]
    tell(person, address, changes, note=f"From the file {file_name}.")
    audit.record(
        "users-imported",
        tenant_id=person.tenant_id,
        by=person,
        address=address,
        file_name=file_name,
        created=len(new),
        updated=len(changed),
    )
    return len(new), len(changed)


def change_of(outcome: Outcome, user_id: int) -> Change:
    user = outcome.user
    kind = "user-changed" if user else "user-created"
    name = f"{outcome.wanted['First name']} {outcome.wanted['Last name']}".strip()
    name = user.name if user else name or str(outcome.wanted["User name"])
    return Change(kind, user_id, name, outcome.differences)


# Writes users from the rows of a JSON document; by their primary key, or as new ones.
RECORDSET = """jsonb_to_recordset(%s::jsonb) AS r (id bigint, username text, first_name text, last_name text,
    email text, employee_id text, team_id bigint, is_active boolean)"""
CREATE = f"""
INSERT INTO accounts_user (tenant_id, password, username, first_name, last_name, email, employee_id, team_id, is_active,
    created_at, updated_at)
SELECT %s, %s, r.username, r.first_name, r.last_name, r.email, r.employee_id, r.team_id, r.is_active, now(), now()
FROM {RECORDSET}
RETURNING id, username
"""  # noqa: S608  # nosec B608  (no value in it)
UPDATE = f"""
UPDATE accounts_user AS u
SET username = r.username, first_name = r.first_name, last_name = r.last_name, email = r.email,
    employee_id = r.employee_id, team_id = r.team_id, is_active = r.is_active, updated_at = now()
FROM {RECORDSET}
WHERE u.id = r.id AND u.tenant_id = %s
"""  # noqa: S608  # nosec B608


def create(person: User, new: Sequence[Outcome]) -> dict[int, int]:
    """The ids by the row's number. Nobody has a password: an unusable one stands in its place."""
    numbers = {str(outcome.wanted["User name"]): outcome.row.number for outcome in new}
    with connection.cursor() as cursor:
        cursor.execute(CREATE, [person.tenant_id, make_password(None), as_json(person, new)])
        return {numbers[username]: pk for pk, username in cursor.fetchall()}


def update(person: User, changed: Sequence[Outcome]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [as_json(person, changed), person.tenant_id])


def as_json(person: User, outcomes: Sequence[Outcome]) -> str:
    teams = dict(Team.objects.filter(tenant_id=person.tenant_id).values_list("name", "pk"))
    return json.dumps(
        [
            {
                "id": outcome.user.pk if outcome.user else None,
                "username": outcome.wanted["User name"],
                "first_name": outcome.wanted["First name"],
                "last_name": outcome.wanted["Last name"],
                "email": outcome.wanted["Email"],
                "employee_id": outcome.wanted["Employee ID"],
                "team_id": teams.get(str(outcome.wanted["Team"])),
                "is_active": outcome.wanted["Active"] == "yes",
            }
            for outcome in outcomes
        ]
    )


def give(person: User, outcomes: Sequence[Outcome], ids: dict[int, int]) -> None:
    """Roles and views as they are wanted: what is gone is taken away, what is new is given."""
    roles = dict(Role.objects.filter(tenant_id=person.tenant_id).values_list("name", "pk"))
    views = dict(AccessView.objects.filter(tenant_id=person.tenant_id).values_list("name", "pk"))
    gone, come = moves(outcomes, ids, ROLES, roles)
    take_away(TAKE_ROLES, gone)
    RoleAssignment.objects.bulk_create(RoleAssignment(user_id=user, role_id=role) for user, role in come)
    gone, come = moves(outcomes, ids, VIEWS, views)
    take_away(TAKE_VIEWS, gone)
    AccessViewAssignment.objects.bulk_create(
        AccessViewAssignment(user_id=user, view_id=view) for user, view in come
    )


Links = list[tuple[int, int]]
TAKE_ROLES = """
DELETE FROM accounts_roleassignment AS a USING unnest(%s::bigint[], %s::bigint[]) AS g (user_id, role_id)
WHERE a.user_id = g.user_id AND a.role_id = g.role_id
"""
TAKE_VIEWS = """
DELETE FROM accounts_accessviewassignment AS a USING unnest(%s::bigint[], %s::bigint[]) AS g (user_id, view_id)
WHERE a.user_id = g.user_id AND a.view_id = g.view_id
"""


def moves(
    outcomes: Sequence[Outcome], ids: dict[int, int], column: str, by_name: dict[str, int]
) -> tuple[Links, Links]:
    gone: Links = []
    come: Links = []
    for outcome in outcomes:
        before, wanted = set(outcome.before.get(column, ())), set(outcome.wanted[column])
        user = ids[outcome.row.number]
        gone += [(user, by_name[name]) for name in sorted(before - wanted)]
        come += [(user, by_name[name]) for name in sorted(wanted - before)]
    return gone, come


def take_away(statement: str, gone: Links) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [[user for user, _ in gone], [other for _, other in gone]])
