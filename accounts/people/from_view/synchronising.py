"""Bring the users in line with the view, in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.people.from_view import staging, writing
from accounts.people.from_view.source import find_source
from accounts.people.from_view.staging import rows
from accounts.scope import is_above_roles, is_tenant_administrator
from accounts.signing_in.sessions.lifetime import end_sessions
from audit.log import record
from tenancy.context import all_tenants_context
from wording.display_text import visible

# The pages for users hold the same lock, tenant by tenant (`accounts.people.actions.administering`).
LOCK_TENANTS = """
SELECT pg_advisory_xact_lock(hashtextextended('accounts of tenant', id))
FROM (SELECT id FROM tenancy_tenant ORDER BY id) AS tenants
"""
SHOWN = 100  # the most people whom a report names

COUNTS = """
SELECT t.id, t.name,
    (SELECT count(*) FROM people_changed AS c WHERE c.tenant_id = t.id AND c.old_username IS NULL),
    (SELECT count(*) FROM people_changed AS c
     WHERE c.tenant_id = t.id AND c.old_username IS NOT NULL AND (NOT c.old_is_active OR c.is_active)),
    (SELECT count(*) FROM people_changed AS c WHERE c.tenant_id = t.id AND c.old_is_active AND NOT c.is_active),
    (SELECT count(*) FROM people AS p WHERE p.tenant_id = t.id AND p.why <> 'administrator')
FROM tenancy_tenant AS t ORDER BY t.id
"""
LEFT_OUT = """
SELECT p.person_id, p.user_name, p.why, u.id,
    coalesce(nullif(btrim(u.first_name || ' ' || u.last_name), ''), u.username),
    lower(u.username) = lower(p.user_name), count(*) OVER ()
FROM people AS p LEFT JOIN accounts_user AS u ON u.id = p.other_id
WHERE p.why <> 'administrator' ORDER BY p.n LIMIT %(shown)s
"""
DROPPED = """
SELECT person_id, user_name, drops_email, drops_employee_id, count(*) OVER () FROM people
WHERE drops_email OR drops_employee_id ORDER BY n LIMIT %(shown)s
"""
# Administrators stay as they are: these although the view says that they are not active, or does not have them.
ADMINISTRATORS = """
SELECT u.username, p.n IS NULL FROM accounts_user AS u LEFT JOIN people AS p ON p.user_id = u.id
WHERE u.id = ANY (%(administrators)s) AND u.is_active AND (p.n IS NULL OR NOT p.active) ORDER BY u.id
"""


@dataclass(frozen=True)
class Numbers:
    """How many users of a tenant were created, changed and deactivated, and how many people were left out."""

    tenant_id: int
    tenant: str
    created: int
    changed: int
    deactivated: int
    left_out: int

    @property
    def total(self) -> int:
        return self.created + self.changed + self.deactivated


@dataclass(frozen=True)
class Report:
    """What a run did. `notes` has a sentence for each person who was left out or followed in part."""

    tenants: tuple[Numbers, ...]
    notes: tuple[str, ...]


def synchronise(*, dry_run: bool = False) -> Report:
    """Create, change and deactivate users as the view says, or nothing. Raises `PeopleRefused`.

    The number of statements does not depend on the number of people, except for ending the sessions of users who were
    deactivated. dry_run: do the same, and take it back.
    """
    with all_tenants_context(), transaction.atomic():
        source = find_source()
        staging.run(LOCK_TENANTS)
        administrators = administrators_with_ids()
        staging.stage(source, administrators)
        deactivated = writing.write(source, administrators)
        report = Report(numbers(), tuple(notes(administrators)))
        if dry_run:
            transaction.set_rollback(True)
        elif deactivated:
            end_sessions(deactivated)
        if not dry_run:
            record_numbers(report)
    return report


def administrators_with_ids() -> list[int]:
    """Return the administrators who are in the view, or were."""
    found = User.objects.exclude(external_id="").filter(is_tenant_administrator() | is_above_roles())
    return list(found.order_by("pk").values_list("pk", flat=True))


def numbers() -> tuple[Numbers, ...]:
    found = (Numbers(*row) for row in rows(COUNTS))
    return tuple(of_tenant for of_tenant in found if of_tenant.total or of_tenant.left_out)


def record_numbers(report: Report) -> None:
    """Record one event for each tenant in which something was changed."""
    for found in report.tenants:
        if found.total:
            counts: dict[str, Any] = {
                name: getattr(found, name) for name in ("created", "changed", "deactivated", "left_out")
            }
            record("people-synchronised", tenant_id=found.tenant_id, **counts)


# --- Whom the view could not be followed for -------------------------------------------------------------------------


def notes(administrators: list[int]) -> Iterator[str]:
    left_out = rows(LEFT_OUT, {"shown": SHOWN})
    for person_id, user_name, why, other_id, other_name, is_name, _ in left_out:
        has = "user name" if is_name else "email"
        yield f"{visible(person_id)} was left out: {reason(why, visible(user_name), other_id, other_name, has)}"
    yield from the_rest(left_out, "were left out")
    dropped = rows(DROPPED, {"shown": SHOWN})
    for person_id, user_name, email, employee_id, _ in dropped:
        what = " and ".join(["email"] * email + ["employee ID"] * employee_id)
        yield (
            f"{visible(person_id)} ({visible(user_name)}) has no {what}: it is not valid, or another person or user has"
            " it too (an email also as user name)."
        )
    yield from the_rest(dropped, "have no email or employee ID")
    for username, has_vanished in rows(ADMINISTRATORS, {"administrators": administrators}):
        state = "is not in the view any more" if has_vanished else "is not active in the view"
        yield f"{visible(username)} {state}, but is an administrator, and was not deactivated."


def reason(why: str, user_name: str, other_id: int | None, other_name: str | None, has: str) -> str:
    if why != "user name":
        return (
            f"{why}. Correct it in the view."
            if why.startswith("no ")
            else f"too {why}. Shorten it in the view."
        )
    if other_id is None:
        return f"another person in the view has the user name {user_name} too. Correct one of them."
    return (
        f"the user {visible(other_name or '')} ({other_id}) has the {has} {user_name}. Change it on the Users page, or"
        " correct the view."
    )


def the_rest(found: Sequence[tuple[Any, ...]], what: str) -> Iterator[str]:
    if found and found[0][-1] > len(found):
        yield f"{found[0][-1] - len(found):,} more {what}."
