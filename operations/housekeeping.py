"""Deletes data whose retention period is over, every night, in small portions that do not block other sessions.

Each portion is its own transaction, waits at most a second for a lock and skips locked rows. After an interruption the
next run continues. The audit log, confirmed transfers and their pairs are never deleted. The periods are described in
docs/operations.md, "What is kept, and for how long".
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

from accounts.people.user_import.actions import KEPT_FOR
from transfers.actions.idle_drafts import discard_idle_drafts
from transfers.models.journal_entry import FOR_UNDO

log = logging.getLogger(__name__)

LOCK_TIMEOUT = "1s"
PORTION = 10_000
ENTRIES = 1_000  # of the journal; each holds up to 500 rows
DRAFTS = 50  # fewer per portion than other rows, because discarding a draft also writes an audit event

# Collects the keys in an array, because PostgreSQL may run a subquery with LIMIT more than once. Does not use ctids,
# because a ctid does not identify a row of a partitioned table (docs/scaling.md).
DELETE = sql.SQL("""
DELETE FROM {table} WHERE {key} = ANY (ARRAY(
    SELECT {key} FROM {table} WHERE {expired} LIMIT %(portion)s FOR UPDATE SKIP LOCKED
))
""")


# Marks transfers that cannot be undone any more, before the first entry of their journal is deleted. They could be
# undone until the end of a day in UTC (`transfers.results.undo_deadline`). The hour is for an undo that was confirmed
# just before that: it is visible here by now, and the transfers it undoes keep their journal until it has ended.
END_UNDO = sql.SQL("""
UPDATE transfers_transfer SET forgotten_at = now() WHERE id = ANY (ARRAY(
    SELECT id FROM transfers_transfer
    WHERE forgotten_at IS NULL AND confirmed_at IS NOT NULL
        AND finished_at < date_trunc('day', now() - interval '1 hour', 'UTC') - %(age)s
        AND id NOT IN (
            SELECT undone.transfer_id
            FROM transfers_transfer AS undo
            JOIN transfers_transferpair AS pair ON pair.transfer_id = undo.id
            JOIN transfers_transferpair AS undone ON undone.id = ANY (pair.undoes)
            WHERE undo.kind = 'undo' AND undo.state IN ('queued', 'running')
        )
    LIMIT %(portion)s FOR UPDATE SKIP LOCKED
))
""")
ONLY_FOR_UNDO = ", ".join(f"'{what}'" for what in FOR_UNDO)
FORGOTTEN = "transfer_id NOT IN (SELECT id FROM transfers_transfer WHERE forgotten_at IS NULL)"


@dataclass(frozen=True)
class Retention:
    """A rule that deletes the rows of `table` for which the SQL condition `expired` is true.

    In the condition, `%(age)s` is the retention period. `period` holds it as a timedelta or as the names of settings,
    of which the longest counts, or is None if the rows themselves say when they expire.
    """

    what: str
    period: str | tuple[str, ...] | timedelta | None
    table: str
    expired: str
    key: str = "id"

    @property
    def age(self) -> timedelta:
        if isinstance(self.period, timedelta | None):
            return self.period or timedelta()
        return max(in_days(getattr(settings, name)) for name in self.setting_names)

    @property
    def setting_names(self) -> tuple[str, ...]:
        """The names of the settings that hold the period."""
        names = self.period if isinstance(self.period, str | tuple) else ()
        return (names,) if isinstance(names, str) else names

    @property
    def portion(self) -> int:
        return PORTION

    def remove(self, cursor: Any) -> int:
        statement = DELETE.format(
            table=sql.Identifier(self.table), key=sql.Identifier(self.key), expired=sql.SQL(self.expired)
        )
        cursor.execute(statement, {"age": self.age, "portion": self.portion})
        return int(cursor.rowcount)


@dataclass(frozen=True)
class IdleDrafts(Retention):
    """A rule that marks idle drafts as discarded, and records an audit event for each.

    Later rules delete the rows of discarded drafts, and then the drafts.
    """

    @property
    def portion(self) -> int:
        return DRAFTS

    def remove(self, cursor: Any) -> int:
        return discard_idle_drafts(self.age.days, self.portion)


@dataclass(frozen=True)
class EndOfUndo(Retention):
    """A rule that marks transfers as forgotten: later rules delete the journal entries that only an undo would need."""

    def remove(self, cursor: Any) -> int:
        cursor.execute(END_UNDO, {"age": self.age, "portion": self.portion})
        return int(cursor.rowcount)


@dataclass(frozen=True)
class Entries(Retention):
    """A rule that deletes journal entries, which are large, or what refers to them."""

    @property
    def portion(self) -> int:
        return ENTRIES


def in_days(value: int | timedelta) -> timedelta:
    return timedelta(days=value) if isinstance(value, int) else value


RETENTION = (
    IdleDrafts("unconfirmed previews", "DRAFT_DAYS", "transfers_transfer", ""),
    # Preview rows hold names from the uploaded file. The pages of a confirmed transfer need only its pairs.
    Retention(
        "preview rows",
        "DRAFT_DAYS",
        "transfers_draftrow",
        "EXISTS (SELECT FROM transfers_transfer AS t WHERE t.id = transfer_id"
        " AND (t.state = 'discarded' OR t.finished_at < now() - %(age)s))",
    ),
    # Rehearsals too, which hold the names and reasons of the pairs.
    Retention(
        "rehearsals",
        "DRAFT_DAYS",
        "transfers_rehearsal",
        "EXISTS (SELECT FROM transfers_transfer AS t WHERE t.id = transfer_id"
        " AND (t.state = 'discarded' OR t.finished_at < now() - %(age)s))",
    ),
    Retention(
        "discarded previews",
        "DRAFT_DAYS",
        "transfers_transfer",
        "state = 'discarded' AND finished_at < now() - %(age)s"
        " AND NOT EXISTS (SELECT FROM transfers_draftrow AS r WHERE r.transfer_id = transfers_transfer.id)"
        " AND NOT EXISTS (SELECT FROM transfers_rehearsal AS r WHERE r.transfer_id = transfers_transfer.id)",
    ),
    EndOfUndo("expired undo periods", "UNDO_DAYS", "transfers_transfer", ""),
    # The condition on `written_at` limits the search, and is always true of entries of transfers that are forgotten.
    Entries(
        "journal entries for undo",
        "UNDO_DAYS",
        "transfers_journalentry",
        f"written_at < now() - %(age)s AND what IN ({ONLY_FOR_UNDO}) AND {FORGOTTEN}",
    ),
    Entries(
        "journal entries of deleted rows",
        ("UNDO_DAYS", "DISCARDED_DAYS"),
        "transfers_journalentry",
        f"written_at < now() - %(age)s AND {FORGOTTEN}",
    ),
    Retention(
        "rows that undos left",
        "UNDO_DAYS",
        "transfers_undoconflict",
        "pair_id IN (SELECT pair.id FROM transfers_transferpair AS pair JOIN transfers_transfer AS undo"
        " ON undo.id = pair.transfer_id WHERE undo.forgotten_at IS NOT NULL)",
    ),
    Retention("unconfirmed user imports", KEPT_FOR, "user_import_userimport", "created_at < now() - %(age)s"),
    Retention("sent emails", "MAIL_DAYS", "operations_mail", "done_at < now() - %(age)s"),
    Retention("sessions", None, "django_session", "expire_date < now()", key="session_key"),
    # allauth's list of each user's sessions, with address and browser.
    Retention(
        "session list entries",
        None,
        "usersessions_usersession",
        "NOT EXISTS (SELECT FROM django_session AS s WHERE s.session_key = usersessions_usersession.session_key)",
    ),
    Retention("failed sign-ins", "AXES_COOLOFF_TIME", "axes_accessattempt", "attempt_time < now() - %(age)s"),
    Retention("cache entries", None, "accounts_cache", "expires < now()", key="cache_key"),
)


@dataclass
class Result:
    """The result of applying one rule.

    `unfinished` is true if time ran out. `error` says why the rule was interrupted, or is empty. The next run deletes
    the rows that are left.
    """

    what: str
    removed: int = 0
    unfinished: bool = False
    error: str = ""


def delete_expired(seconds: float = math.inf) -> list[Result]:
    """Delete expired rows of all tenants, for about `seconds`. An error stops only the rule in which it occurs."""
    end = time.monotonic() + seconds
    return [apply_rule(rule, end) for rule in RETENTION]


def apply_rule(rule: Retention, end: float) -> Result:
    result = Result(rule.what)
    try:
        while time.monotonic() < end:
            number = in_own_transaction(rule.remove)
            result.removed += number
            if number < rule.portion:
                return result
        result.unfinished = True
    except Error as error:
        result.error = str(error).strip().split("\n", 1)[0]
        log.warning("could not delete %s; the next run tries again: %s", rule.what, result.error)
    return result


def in_own_transaction(remove: Callable[[Any], int]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        return remove(cursor)
