"""Read the report of a rehearsal, for its page, its download and the command line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from accounts.models import User
from accounts.scope import visible_users
from spreadsheets.writer import Table
from transfers.engine.failures.reasons import Failure
from transfers.models import DraftRow, Rehearsal, Transfer
from transfers.planning.impact import Impact, impact_of
from transfers.rehearsal.report import Report, report_from
from transfers.results.exports import data_type_name
from transfers.results.progress import duration_in_words
from wording.phrases import counted

OUT_OF_VIEW = "A user of this pair is not in your views any more."
COLUMNS = (
    *("Row", "From User ID", "From User", "To User ID", "To User"),
    *("Result", "Reason code", "Reason", "What to do", "Data type"),
)
WOULD, WOULD_NOT, NOT_TRIED = "Would be transferred", "Would not be transferred", "Not tried"


@dataclass(frozen=True)
class Numbers:
    """Numbers of pairs of a rehearsal: `total` = `succeeded` + `failed` + `not_tried`."""

    total: int
    succeeded: int
    failed: int

    @property
    def done(self) -> int:
        return self.succeeded + self.failed

    @property
    def not_tried(self) -> int:
        return self.total - self.done


def numbers_of(rehearsal: Rehearsal) -> Numbers:
    report = report_from(rehearsal.report)
    return Numbers(rehearsal.total, report.succeeded, len(report.failures))


def outcome_of(rehearsal: Rehearsal) -> dict[str, str]:
    """Return the kind, title and text of the notice about a rehearsal that has ended."""
    numbers = numbers_of(rehearsal)
    text = numbers_in_words(numbers)
    if numbers.not_tried:
        return {"kind": "warning", "title": "The rehearsal was stopped.", "text": text}
    if numbers.failed:
        title = f"{counted(numbers.failed, 'user')} would not be transferred."
        return {"kind": "error", "title": title, "text": text}
    return {"kind": "success", "title": "Every user would be transferred.", "text": text}


@dataclass(frozen=True)
class Rehearsed:
    """The latest rehearsal of a draft, and its result in words."""

    rehearsal: Rehearsal
    result: str


def rehearsed(draft: Transfer) -> Rehearsed | None:
    """Return the latest rehearsal of a draft for its preview, or None. Takes one query."""
    found = Rehearsal.objects.defer("pairs").filter(transfer=draft).first()
    if found is None:
        return None
    words = numbers_in_words(numbers_of(found))
    return Rehearsed(found, "under way." if found.is_open else f"{words}.")


def numbers_in_words(numbers: Numbers) -> str:
    """Return, for example, "35 of 37 users would be transferred · 1 would fail · 1 not tried"."""
    parts = [f"{numbers.succeeded:,} of {counted(numbers.total, 'user')} would be transferred"]
    if numbers.failed:
        parts.append(f"{numbers.failed:,} would fail")
    if numbers.not_tried:
        parts.append(f"{numbers.not_tried:,} not tried")
    return " · ".join(parts)


def impact_of_rehearsal(rehearsal: Rehearsal) -> Impact:
    """Return the numbers of the pairs that would be transferred."""
    return impact_of(report_from(rehearsal.report).counts, keep_target=rehearsal.transfer.keeps_target)


def has_changed(rehearsal: Rehearsal) -> bool:
    """Return whether the draft has other pairs now than the rehearsal had."""
    rows = DraftRow.objects.filter(transfer=rehearsal.transfer_id).exclude(status=DraftRow.Status.CLEARED)
    rehearsed = {(pair["source_id"], pair["target_id"]) for pair in rehearsal.pairs}
    return set(rows.values_list("from_id", "to_id")) != rehearsed


# --- Durations and locks ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chunk:
    """The turns of workers at one chunk. `time` is in words."""

    number: int
    pairs: int
    failed: int
    time: str


def chunks_of(report: Report) -> list[Chunk]:
    turns: dict[int, list[dict[str, Any]]] = {}
    for turn in report.chunks:
        turns.setdefault(turn["chunk"], []).append(turn)
    return [
        Chunk(
            number + 1,
            sum(turn["pairs"] for turn in of_chunk),
            sum(turn["failed"] for turn in of_chunk),
            seconds_in_words(sum(turn["seconds"] for turn in of_chunk)),
        )
        for number, of_chunk in turns.items()
    ]


def seconds_in_words(seconds: float) -> str:
    """Return, for example, "0.84 s" or "3 min 4 s"."""
    return f"{seconds:.2f} s" if seconds < 10 else duration_in_words(timedelta(seconds=seconds))


@dataclass(frozen=True)
class LockedTable:
    """The strongest lock on a table. `time` is the longest time that a batch can have held it, in words."""

    table: str
    mode: str
    time: str


def locks_of(report: Report) -> list[LockedTable]:
    longest_first = sorted(report.locks.items(), key=lambda lock: (-lock[1][1], lock[0]))
    return [LockedTable(table, mode, seconds_in_words(seconds)) for table, (mode, seconds) in longest_first]


# --- Pairs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RehearsedPair:
    """A pair and what would become of it. `source` or `target` is None if the person cannot see that user now."""

    row_number: int
    source_id: int
    target_id: int
    source: User | None
    target: User | None
    result: str
    failure: Failure | None

    @property
    def names(self) -> tuple[str, str]:
        return self.source.name if self.source else "", self.target.name if self.target else ""


def failed_pairs(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    failures = report_from(rehearsal.report).failures
    return [pair for pair in rehearsal.pairs if pair["row_number"] in failures]


def with_users(person: User, rehearsal: Rehearsal, pairs: Sequence[dict[str, Any]]) -> list[RehearsedPair]:
    """Return the pairs with those of their users whom the person can see now. Takes one query."""
    report = report_from(rehearsal.report)
    done = set(report.done)
    ids = {pair[side] for pair in pairs for side in ("source_id", "target_id")}
    users = visible_users(person).select_related("team").in_bulk(ids)
    return [rehearsed_pair(pair, users, report, done) for pair in pairs]


def rehearsed_pair(
    pair: dict[str, Any], users: dict[int, User], report: Report, done: set[int]
) -> RehearsedPair:
    """Return the pair. The reason may name its users, so it is left out if the person cannot see both."""
    number, ids = pair["row_number"], (pair["source_id"], pair["target_id"])
    failure = report.failures.get(number)
    source, target = (users.get(user_id) for user_id in ids)
    if failure and not (source and target):
        failure = Failure(failure.code, OUT_OF_VIEW, "Check the row in the preview.", failure.data_type)
    result = WOULD_NOT if failure else WOULD if number in done else NOT_TRIED
    return RehearsedPair(number, *ids, source, target, result, failure)


def report_table(person: User, rehearsal: Rehearsal) -> Table:
    """Return all pairs, with the reason for those that would fail, for the download."""
    return Table(COLUMNS, report_rows(person, rehearsal))


def report_rows(person: User, rehearsal: Rehearsal) -> Iterator[Sequence[object]]:
    for pair in with_users(person, rehearsal, rehearsal.pairs):
        source, target = pair.names
        failure = pair.failure or Failure("", "", "")
        reason = failure.code, failure.reason, failure.remedy, data_type_name(failure.data_type)
        yield pair.row_number, pair.source_id, source, pair.target_id, target, pair.result, *reason
