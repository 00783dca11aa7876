"""What is not kept for ever: once a night, in small portions, so that it stands in nobody's way.

Each portion is a transaction of its own that waits for no lock longer than a second and passes over rows that somebody
has in hand. Whatever ends it, the next run goes on from there. The audit log, transfers that were confirmed, and their
pairs are never deleted. For those who run the site: docs/operations.md, "What is kept, and for how long".
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction
from psycopg import sql

from transfers.retention import discard_idle_drafts
from user_import.actions import KEPT_FOR

log = logging.getLogger(__name__)

LOCK_TIMEOUT = "1s"
PORTION = 10_000
DRAFTS = 50  # in one portion: each is an event in the audit log too

# An array, because a subquery with a LIMIT may be run more than once. Not by ctid, which is no key of a table with
# partitions (docs/scaling.md).
DELETE = sql.SQL("""
DELETE FROM {table} WHERE {key} = ANY (ARRAY(
    SELECT {key} FROM {table} WHERE {old} LIMIT %(portion)s FOR UPDATE SKIP LOCKED
))
""")


@dataclass(frozen=True)
class Kind:
    """Something that is deleted: the rows of `table` for which `old` is true; `%(age)s` is how old that is.

    `kept` is for how long, or the name of the setting that says so; None where the row itself says it.
    """

    what: str
    kept: str | timedelta | None
    table: str
    old: str
    key: str = "id"

    @property
    def age(self) -> timedelta:
        value = getattr(settings, self.kept) if isinstance(self.kept, str) else self.kept or timedelta()
        return timedelta(days=value) if isinstance(value, int) else value

    @property
    def portion(self) -> int:
        return PORTION

    def remove(self, cursor: Any) -> int:
        statement = DELETE.format(
            table=sql.Identifier(self.table), key=sql.Identifier(self.key), old=sql.SQL(self.old)
        )
        cursor.execute(statement, {"age": self.age, "portion": self.portion})
        return int(cursor.rowcount)


@dataclass(frozen=True)
class IdleDrafts(Kind):
    """These are discarded as by hand, so that it is on record; what is left of them comes after."""

    @property
    def portion(self) -> int:
        return DRAFTS

    def remove(self, cursor: Any) -> int:
        return discard_idle_drafts(self.age.days, self.portion)


KINDS = (
    IdleDrafts("unconfirmed previews", "DRAFT_DAYS", "transfers_transfer", ""),
    # With the names of the file. The pairs of a transfer that was confirmed hold all that its pages show.
    Kind(
        "rows of previews",
        "DRAFT_DAYS",
        "transfers_draftrow",
        "EXISTS (SELECT FROM transfers_transfer AS t WHERE t.id = transfer_id"
        " AND (t.state = 'discarded' OR t.finished_at < now() - %(age)s))",
    ),
    Kind(
        "discarded previews",
        "DRAFT_DAYS",
        "transfers_transfer",
        "state = 'discarded' AND finished_at < now() - %(age)s"
        " AND NOT EXISTS (SELECT FROM transfers_draftrow AS r WHERE r.transfer_id = transfers_transfer.id)",
    ),
    Kind("discarded rows", "DISCARDED_DAYS", "transfers_discardedrow", "discarded_at < now() - %(age)s"),
    Kind("files of users", KEPT_FOR, "user_import_userimport", "created_at < now() - %(age)s"),
    Kind("mails", "MAIL_DAYS", "operations_mail", "done_at < now() - %(age)s"),
    Kind("sessions", None, "django_session", "expire_date < now()", key="session_key"),
    # allauth's list of where somebody is signed in, with address and browser.
    Kind(
        "entries of ended sessions",
        None,
        "usersessions_usersession",
        "NOT EXISTS (SELECT FROM django_session AS s WHERE s.session_key = usersessions_usersession.session_key)",
    ),
    Kind("failed sign-ins", "AXES_COOLOFF_TIME", "axes_accessattempt", "attempt_time < now() - %(age)s"),
    Kind("cache entries", None, "accounts_cache", "expires < now()", key="cache_key"),
)


@dataclass
class Outcome:
    """`left`: time was up before all of it was gone. `trouble`: why it broke off; the next run goes on."""

    what: str
    removed: int = 0
    left: bool = False
    trouble: str = ""


def keep_house(seconds: float = math.inf) -> list[Outcome]:
    """Everything that is due, for about so many seconds, behind the wall of every tenant. Each kind by itself."""
    end = time.monotonic() + seconds
    return [clear(kind, end) for kind in KINDS]


def clear(kind: Kind, end: float) -> Outcome:
    outcome = Outcome(kind.what)
    try:
        while time.monotonic() < end:
            number = one_portion(kind.remove)
            outcome.removed += number
            if number < kind.portion:
                return outcome
        outcome.left = True
    except Error as error:
        outcome.trouble = str(error).strip().split("\n", 1)[0]
        log.warning("%s could not be removed, the next run goes on: %s", kind.what, outcome.trouble)
    return outcome


def one_portion(remove: Callable[[Any], int]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        return remove(cursor)
