"""Unit tests of the chaos harness: its checks accept correct observations and report wrong ones."""

import socket
import time
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness.chaos import meddlers
from tests.harness.chaos.late import KINDS, LateRow, Turn, allowed
from tests.harness.chaos.meddlers import TIMED_OUT, Visitor
from tests.harness.chaos.recovery import GRACE, Mend, NotYet, Outages, Recovery
from tests.harness.chaos.round import Plan, Round

SOFT = "marks rows as deleted instead of deleting them"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CALLS, SCHEDULE, PROGRESS = KINDS
BEFORE, AFTER = [[1, 1], [2, 2]], {SCHEDULE.table: [[2, 1]], PROGRESS.table: [[2, 3]]}


def test_a_recovery_ends_with_the_next_pair_despite_a_new_fault() -> None:
    recovery = Recovery()
    recovery.broken()
    recovery.watch(4, lambda: True)
    recovery.watch(5, lambda: True)
    recovery.broken()
    assert len(recovery.seconds) == 1


def test_a_wait_that_is_already_too_long_is_kept_at_a_new_fault() -> None:
    recovery = Recovery()
    recovery.broken()
    recovery.recovered_at = time.monotonic() - 31
    recovery.broken()
    assert recovery.seconds[0] > 30


def test_an_outage_explains_errors_until_shortly_after_its_end() -> None:
    outages = Outages()
    outages.add("Redis down", time.monotonic(), Mend(0, lambda: None))
    began = outages[0].began
    assert not outages.explain({"Redis down"}, began - 2, began - 1)
    assert outages.explain({"Redis down"}, began - 2, began + 1)
    outages.mend()
    assert outages[0].ended
    assert not outages.explain({"Redis down"}, outages[0].ended + GRACE + 1, outages[0].ended + GRACE + 2)
    assert not outages.explain({"web killed"}, began, began)


def test_a_repair_that_fails_is_retried() -> None:
    def not_yet() -> None:
        raise NotYet

    outages = Outages()
    outages.add("web killed", time.monotonic(), Mend(0, not_yet))
    outages.mend()
    assert outages.lasts("web killed")
    assert outages[0].ended is None


@pytest.mark.parametrize("kind", [SCHEDULE, PROGRESS], ids=lambda kind: kind.table)
@pytest.mark.parametrize(
    ("began", "committed", "succeeded", "may_stay", "may_move"),
    [
        (-2, -1, True, False, True),  # written before its pair was processed
        (-2, 1, True, True, True),
        (1, 2, True, True, True),
        (11, 12, True, True, False),  # written afterwards
        (-2, -1, False, True, False),  # its pair was not transferred
    ],
)
def test_where_a_late_row_may_be(
    kind: Any, began: int, committed: int, succeeded: bool, may_stay: bool, may_move: bool
) -> None:
    row = LateRow(kind, 7, 1, 2, NOON + began * SECOND, True, NOON + committed * SECOND)
    found = list(allowed(row, Turn(2, succeeded, NOON, NOON + 10 * SECOND)))
    assert (BEFORE in found, AFTER[kind.table] in found) == (may_stay, may_move)
    assert [] not in found
    assert [] in allowed(row._replace(is_certain=False), Turn(2, succeeded, NOON, NOON + 10 * SECOND))


@pytest.mark.parametrize(
    ("faults", "poison", "locks", "of_poison", "codes"),
    [
        ([], [], False, None, set()),
        (["worker killed", "worker killed"], [], False, None, set()),
        (["worker killed"] * 3, [], False, None, {"worker-died"}),
        (["Redis down"] * 5, [], False, None, set()),
        (["worker killed"], ["kills its worker"], False, None, {"worker-died"}),
        ([], ["kills its worker"], False, None, set()),
        ([], ["kills its worker"], False, "kills its worker", {"worker-died"}),
        ([], ["raises"], False, "raises", {"database-error"}),
        ([], [SOFT], False, SOFT, {"numbers-do-not-add-up"}),
        ([], [SOFT], False, None, set()),
        ([], [], True, None, {"records-locked"}),
    ],
)
def test_codes_with_which_a_pair_may_fail(
    faults: list[str], poison: list[str], locks: bool, of_poison: str | None, codes: set[str]
) -> None:
    plan = Plan(10, 5, [], poison, None, locks, 6)
    ground: Any = None  # not used
    round_ = Round(ground, plan, Random(1))
    round_.seen.faults = faults
    assert set(round_.codes_for(of_poison)) == codes | {"constraint"}


def test_a_pair_that_must_fail_and_its_code_are_counted() -> None:
    ground: Any = None  # not used
    round_ = Round(ground, Plan(4, None, [], [SOFT], None, False, 6), Random(1))
    ends = [
        (1, "succeeded", ""),
        (2, "failed", "numbers-do-not-add-up"),
        (3, "succeeded", ""),
        (4, "not started", ""),
    ]
    poisoned = dict.fromkeys((1, 2, 4), SOFT)
    assert list(round_.ends_without_cause(ends, poisoned)) == [
        f"the pair of 1, which {SOFT}, was transferred"
    ]
    assert (round_.seen.poisoned, round_.seen.failures) == ({SOFT: 2}, {f"{SOFT}: numbers-do-not-add-up": 1})
    assert list(round_.ends_without_cause([(3, "failed", "numbers-do-not-add-up")], {})) == [
        "the pair of 3 failed with numbers-do-not-add-up"
    ]


def test_a_page_that_hangs_differs_from_no_response(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meddlers, "TIMEOUT", 0.05)
    outages = Outages()
    outages.add("web killed", time.monotonic(), None)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ground: Any = SimpleNamespace(port=silent.getsockname()[1])
        bulk: Any = SimpleNamespace(cookie="", transfer=SimpleNamespace(number=1))
        visitor = Visitor(ground, bulk, Random(1), pause=0)
        visitor.look()
    visitor.look()
    assert [answer.status for answer in visitor.answers] == [TIMED_OUT, meddlers.NO_RESPONSE]
    assert len(list(visitor.troubles(outages))) == 1
