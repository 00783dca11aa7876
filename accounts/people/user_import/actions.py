"""Actions that upload, confirm and discard a file of users.

Their arguments are keyword-only. `by` is the acting person and `address` is their IP address.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePosixPath
from typing import BinaryIO

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import AccessView, AccessViewAssignment, Role, RoleAssignment, Team, User
from accounts.people.actions.administering import administering, record_changes, unique_keys
from accounts.people.changes import Change
from accounts.people.user_import.correcting import put_back
from accounts.people.user_import.models import UserImport
from accounts.people.user_import.outcome import CHANGED, CREATED, ERROR, Outcome, digest
from accounts.people.user_import.reader import ROLES, VIEWS, Row, read
from accounts.people.user_import.resolving import resolve
from accounts.permissions import Permission
from accounts.signing_in.sessions.lifetime import end_sessions
from audit import log as audit_log
from spreadsheets.rejection import FileRejected
from wording.problems import shown

KEPT_FOR = timedelta(days=1)


class ImportChanged(Exception):
    """Importing the file would no longer do what the preview showed, so nothing was stored."""


class WarningsNotChecked(Exception):
    """The person has not confirmed the values that a spreadsheet may have changed, so nothing was stored."""


def upload(*, by: User, file_name: str, stream: BinaryIO, address: str | None = None) -> UserImport:
    """Read the file and store its rows until they are confirmed.

    They replace the person's earlier unconfirmed file, or, if they are rows of that file that were downloaded to be
    corrected, only these rows of it. Raises `FileRejected`.
    """
    try:
        file = read(stream)
    except FileRejected as refused:
        reason = refused.problem.sentence
        audit_log.record("file-refused", tenant_id=by.tenant_id, by=by, address=address, reason=reason)
        raise
    UserImport.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    kept = {
        "file_name": shown(PurePosixPath(file_name.replace("\\", "/")).name),
        "rows": [row.to_json() for row in file.rows],
        "notes": [note.to_json() for note in file.notes],
    }
    with transaction.atomic():
        waiting = UserImport.objects.select_for_update().filter(made_by=by).first()
        rows = put_back(rows_of(waiting), file.rows) if waiting else None
        if waiting and rows is not None:
            return replace_rows(waiting, rows)
        UserImport.objects.filter(made_by=by).delete()
        return UserImport.objects.create(made_by=by, **kept)


def leave_out_errors(*, by: User) -> int:
    """Remove the rows with errors from the person's waiting file, and return how many they were."""
    with transaction.atomic():
        waiting = UserImport.objects.select_for_update().filter(made_by=by).first()
        if waiting is None:
            return 0
        outcomes = outcomes_of(by, waiting)
        right = [outcome.row for outcome in outcomes if outcome.kind != ERROR]
        replace_rows(waiting, right)
        return len(outcomes) - len(right)


def replace_rows(waiting: UserImport, rows: Sequence[Row]) -> UserImport:
    waiting.rows = [row.to_json() for row in rows]
    waiting.save(update_fields=["rows"])
    return waiting


def rows_of(waiting: UserImport) -> list[Row]:
    return [Row(**row) for row in waiting.rows]


def discard(*, by: User) -> None:
    UserImport.objects.filter(made_by=by).delete()


def outcomes_of(person: User, waiting: UserImport) -> list[Outcome]:
    return resolve(person, rows_of(waiting))


def confirm(*, by: User, seen: str, checked: bool = False, address: str | None = None) -> tuple[int, int]:
    """Store all rows of the file or none, and return how many users were created and how many were changed.

    `seen` is the digest of the outcomes that the preview showed, and `checked` confirms their warnings. The number of
    SQL statements does not grow with the number of rows, except for ending the sessions of deactivated users. Raises
    `ImportChanged` if the outcomes have changed since, `WarningsNotChecked`, or `Refused` if another process took a
    unique value at the same moment.
    """
    with administering(by, Permission.MANAGE_USERS) as person:
        waiting = UserImport.objects.select_for_update().filter(made_by=person).first()
        if waiting is None:
            raise ImportChanged
        lock_users(person, waiting)
        outcomes = outcomes_of(person, waiting)
        if digest(outcomes) != seen or any(outcome.kind == ERROR for outcome in outcomes):
            raise ImportChanged
        if not checked and any(outcome.warnings for outcome in outcomes):
            raise WarningsNotChecked
        numbers = store(person, outcomes, waiting.file_name, address)
        waiting.delete()
        return numbers


def lock_users(person: User, waiting: UserImport) -> None:
    """Lock the users in the order of their ids, as a running transfer does, to avoid deadlocks."""
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
    end_sessions(outcome.user.pk for outcome in changed if outcome.user and outcome.after["Active"] == "no")
    ids |= {outcome.row.number: outcome.user.pk for outcome in changed if outcome.user}
    assign(person, [*new, *changed], ids)
    changes = [change_of(outcome, ids[outcome.row.number]) for outcome in (*new, *changed)]
    record_changes(person, address, changes, note=f"From the file {file_name}.")
    audit_log.record(
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
    name = f"{outcome.after['First name']} {outcome.after['Last name']}".strip()
    name = user.name if user else name or str(outcome.after["User name"])
    return Change(kind, user_id, name, outcome.differences)


# Reads users as rows from a JSON array, for both statements below.
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
    """Create the users, without a usable password, and map each row number to the id of the new user."""
    numbers = {str(outcome.after["User name"]): outcome.row.number for outcome in new}
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
                "username": outcome.after["User name"],
                "first_name": outcome.after["First name"],
                "last_name": outcome.after["Last name"],
                "email": outcome.after["Email"],
                "employee_id": outcome.after["Employee ID"],
                "team_id": teams.get(str(outcome.after["Team"])),
                "is_active": outcome.after["Active"] == "yes",
            }
            for outcome in outcomes
        ]
    )


def assign(person: User, outcomes: Sequence[Outcome], ids: dict[int, int]) -> None:
    """Add and remove the users' roles and views according to the outcomes."""
    roles = dict(Role.objects.filter(tenant_id=person.tenant_id).values_list("name", "pk"))
    views = dict(AccessView.objects.filter(tenant_id=person.tenant_id).values_list("name", "pk"))
    removed, added = changed_links(outcomes, ids, ROLES, roles)
    delete_links(DELETE_ROLES, removed)
    RoleAssignment.objects.bulk_create(RoleAssignment(user_id=user, role_id=role) for user, role in added)
    removed, added = changed_links(outcomes, ids, VIEWS, views)
    delete_links(DELETE_VIEWS, removed)
    AccessViewAssignment.objects.bulk_create(
        AccessViewAssignment(user_id=user, view_id=view) for user, view in added
    )


Links = list[tuple[int, int]]  # pairs of a user's id and the id of a role or view
DELETE_ROLES = """
DELETE FROM accounts_roleassignment AS a USING unnest(%s::bigint[], %s::bigint[]) AS removed (user_id, role_id)
WHERE a.user_id = removed.user_id AND a.role_id = removed.role_id
"""
DELETE_VIEWS = """
DELETE FROM accounts_accessviewassignment AS a USING unnest(%s::bigint[], %s::bigint[]) AS removed (user_id, view_id)
WHERE a.user_id = removed.user_id AND a.view_id = removed.view_id
"""


def changed_links(
    outcomes: Sequence[Outcome], ids: dict[int, int], column: str, by_name: dict[str, int]
) -> tuple[Links, Links]:
    removed: Links = []
    added: Links = []
    for outcome in outcomes:
        before, after = set(outcome.before.get(column, ())), set(outcome.after[column])
        user = ids[outcome.row.number]
        removed += [(user, by_name[name]) for name in sorted(before - after)]
        added += [(user, by_name[name]) for name in sorted(after - before)]
    return removed, added


def delete_links(statement: str, removed: Links) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [[user for user, _ in removed], [other for _, other in removed]])
