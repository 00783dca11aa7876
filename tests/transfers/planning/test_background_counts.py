"""Large drafts are counted in portions in the background, with correct counts and without overwriting edits."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from django.db import connection
from kombu.exceptions import OperationalError

from accounts.models import AccessView, User
from accounts.permissions import TRANSFER_ADMINISTRATOR
from tests.conftest import reachable_test_database
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent, person
from tests.fixtures.records import tables
from tests.fixtures.running import upload
from tests.transfers.actions.sheets import as_stored, row
from transfers import actions, tasks
from transfers.engine import prediction
from transfers.engine.locks import COUNTING, lock_name
from transfers.models import DraftRow, State, Transfer
from transfers.planning import background_counts, counts, plan
from transfers.planning.background_counts import count_draft
from transfers.planning.plan import plan_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat files of more than two pairs as large, and count them in portions of three."""
    monkeypatch.setattr(plan, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(background_counts, "PORTION", 3)


def pairs_of(cast: Cast, number: int) -> list[tuple[User, User]]:
    """Create `number` pairs of users. Every second source (from the first on) and the first target have records."""
    users = [agent(cast.support, f"Agent Number{n}") for n in range(2 * number)]
    for user in users[:number:2]:
        records.everything(user, n=1)
    records.schedule(users[number], 1)
    return list(zip(users[:number], users[number:], strict=True))


def uncounted(draft: Transfer) -> list[int]:
    return list(draft.rows.filter(counts__isnull=True).values_list("number", flat=True))


# --- When ----------------------------------------------------------------------------------------------------------


def test_a_small_file_is_counted_at_once(cast: Cast, few_at_once: None) -> None:
    with patch.object(tasks, "ask_to_count") as asked:
        draft = upload(cast.ada, *pairs_of(cast, 2))
    assert uncounted(draft) == []
    asked.assert_not_called()


def test_a_large_file_is_stored_uncounted_and_counting_is_queued(
    cast: Cast, few_at_once: None, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with (
        patch.object(tasks.count_draft, "delay") as sent,
        django_capture_on_commit_callbacks(execute=True),
    ):
        draft = upload(cast.ada, *pairs_of(cast, 4))
    assert uncounted(draft) == [2, 3, 4, 5]
    assert "nothing-to-move" not in {
        problem["code"] for kept in draft.rows.all() for problem in kept.problems
    }
    sent.assert_called_once_with(draft.pk)


def test_a_task_counts_one_portion_and_queues_the_next(cast: Cast, few_at_once: None) -> None:
    """A worker finishes its task before it stops, so a task may count only one portion."""
    draft = upload(cast.ada, *pairs_of(cast, 4))
    with patch.object(tasks.count_draft, "delay") as sent:
        tasks.count_draft(draft.pk)
        assert uncounted(draft) == [5]
        sent.assert_called_once_with(draft.pk)
        tasks.count_draft(draft.pk)
        assert uncounted(draft) == []
        sent.reset_mock()
        tasks.count_draft(draft.pk)
        sent.assert_not_called()


def test_an_upload_is_stored_even_without_redis(
    cast: Cast, few_at_once: None, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    gone = patch.object(tasks.count_draft, "delay", side_effect=OperationalError("no route"))
    with gone, django_capture_on_commit_callbacks(execute=True):
        draft = upload(cast.ada, *pairs_of(cast, 4))
    assert draft.rows.count() == 4


def test_an_edit_of_a_counted_file_is_counted_at_once(cast: Cast, few_at_once: None) -> None:
    pairs = pairs_of(cast, 4)
    draft = upload(cast.ada, *pairs)
    count_draft(draft.pk)
    actions.fix_row(by=cast.ada, transfer=draft, number=3, to_text=str(cast.bo.pk))
    assert uncounted(draft) == []


# --- What ----------------------------------------------------------------------------------------------------------


def test_background_counts_equal_counts_at_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = pairs_of(cast, 8)
    at_once = upload(cast.ada, *pairs, pairs[0], (cast.ana, 7000777))
    monkeypatch.setattr(plan, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(background_counts, "PORTION", 3)
    later = upload(cast.ada, *pairs, pairs[0], (cast.ana, 7000777))

    count_draft(later.pk)

    def shown(draft: Transfer) -> list[dict[str, Any]]:
        return [
            {name: kept[name] for name in ("number", "status", "problems", "counts", "impact")}
            for kept in as_stored(draft)
        ]

    assert shown(later) == shown(at_once)
    assert [kept["counts"] is None for kept in shown(later)] == [False] * 8 + [True] * 2
    assert plan_of(later, cast.ada).hash == plan_of(later, cast.ada, recount=False).hash


def test_a_plan_counted_in_portions_equals_one_counted_at_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = upload(cast.ada, *pairs_of(cast, 7))
    whole = plan_of(draft, cast.ada)
    monkeypatch.setattr(counts, "PORTION", 3)
    assert plan_of(draft, cast.ada).hash == whole.hash


def test_a_draft_that_cannot_run_is_not_counted(cast: Cast, few_at_once: None) -> None:
    with patch("transfers.validation.problem_kinds.MAXIMUM_PAIRS", 2):
        draft = upload(cast.ada, *pairs_of(cast, 3))
    count_draft(draft.pk)
    assert uncounted(draft) == [2, 3, 4]


# --- Changes during counting ---------------------------------------------------------------------------------------


def count_while(draft: Transfer, happens: Callable[[], object]) -> None:
    """Count a portion of the draft, and call `happens` after the counting but before the counts are written."""
    known = background_counts.count_pairs

    def count_pairs(pairs: dict[int, tuple[int, int]], **more: Any) -> dict[int, Any]:
        found = known(pairs, **more)
        happens()
        return found

    with patch.object(background_counts, "count_pairs", count_pairs):
        count_draft(draft.pk, portions=1)


def test_an_edited_row_does_not_get_the_counts_of_its_old_pair(cast: Cast, few_at_once: None) -> None:
    draft = upload(cast.ada, *pairs_of(cast, 4))
    count_while(
        draft, lambda: actions.fix_row(by=cast.ada, transfer=draft, number=2, to_text=str(cast.bo.pk))
    )
    assert uncounted(draft) == [2, 5]
    count_draft(draft.pk)
    assert row(draft, 2).impact == {"transferred": row(draft, 2).impact["transferred"], "deleted": 0}
    assert plan_of(draft, cast.ada).hash == plan_of(draft, cast.ada, recount=False).hash


def test_a_row_that_got_an_error_stays_uncounted(cast: Cast, few_at_once: None) -> None:
    pairs = pairs_of(cast, 4)
    draft = upload(cast.ada, *pairs)
    same = str(pairs[0][1].pk)
    count_while(draft, lambda: actions.fix_row(by=cast.ada, transfer=draft, number=3, to_text=same))
    assert uncounted(draft) == [2, 3]
    assert [kept.status for kept in draft.rows.all()][:2] == ["error", "error"]


def test_a_swap_during_counting_discards_the_counts(cast: Cast, few_at_once: None) -> None:
    draft = upload(cast.ada, *pairs_of(cast, 4))
    count_while(draft, lambda: actions.swap_direction(by=cast.ada, transfer=draft))
    assert uncounted(draft) == [2, 3, 4, 5]


@pytest.mark.parametrize("end", ["discard", "confirm"])
def test_a_draft_that_ended_during_counting_is_not_changed(cast: Cast, few_at_once: None, end: str) -> None:
    draft = upload(cast.ada, *pairs_of(cast, 4))

    def confirm() -> None:
        plan_hash = plan_of(draft, cast.ada).hash
        actions.confirm(by=cast.ada, transfer=draft, plan_hash=plan_hash, typed_count=4)

    ends = {"discard": lambda: actions.discard(by=cast.ada, transfer=draft), "confirm": confirm}
    count_while(draft, ends[end])
    assert not DraftRow.objects.filter(counts__isnull=False).exists()
    count_draft(draft.pk)
    draft.refresh_from_db()
    assert draft.state == {"discard": State.DISCARDED, "confirm": State.QUEUED}[end]


def test_counting_twice_changes_nothing(cast: Cast, few_at_once: None) -> None:
    draft = upload(cast.ada, *pairs_of(cast, 4))
    pairs = background_counts.pairs_of(draft.rows.all())
    found = background_counts.count_pairs(pairs)
    count_while(draft, lambda: background_counts.store_counts(draft.pk, pairs, found))
    before = as_stored(draft)
    count_draft(draft.pk)
    assert as_stored(draft) == before
    assert not uncounted(draft)


# --- Locks ---------------------------------------------------------------------------------------------------------

HELD = """
SELECT DISTINCT c.relname, l.mode FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relname = ANY(%s)
"""
ADVISORY = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"


def held() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(HELD, [tables()])
        return {mode for _, mode in cursor.fetchall()}


def advisory() -> int:
    with connection.cursor() as cursor:
        cursor.execute(ADVISORY)
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_counting_takes_only_a_readers_lock_and_keeps_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "COUNTED_AT_ONCE", 2)
    cast = Cast()
    draft = upload(cast.ada, *pairs_of(cast, 4))
    during: list[set[str]] = []
    read_tally = prediction.read_tally

    def look_and_read() -> Any:
        during.append(held())
        return read_tally()

    with patch.object(prediction, "read_tally", look_and_read):
        count_draft(draft.pk)

    assert during == [{"AccessShareLock"}]
    assert held() == set()
    assert advisory() == 0
    assert not uncounted(draft)


@pytest.mark.django_db(transaction=True)
def test_one_process_counts_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "COUNTED_AT_ONCE", 2)
    cast = Cast()
    draft = upload(cast.ada, *pairs_of(cast, 4))
    lock = [lock_name(draft.pk, COUNTING)]
    with psycopg.connect(reachable_test_database()) as other:
        other.execute("SELECT pg_advisory_lock(%s)", lock)
        count_draft(draft.pk)
        assert len(uncounted(draft)) == 4
        other.execute("SELECT pg_advisory_unlock(%s)", lock)
    count_draft(draft.pk)
    assert not uncounted(draft)


def test_users_who_left_the_view_are_unknown_and_not_counted(cast: Cast, few_at_once: None) -> None:
    """The users leave the view between the upload and the counting."""
    both = AccessView.objects.create(tenant=cast.abacus, name="Both")
    both.teams.set([cast.support, cast.sales])
    nora = person(cast.abacus, "Nora Narrow", TRANSFER_ADMINISTRATOR, both)
    pairs = pairs_of(cast, 4)
    draft = upload(nora, *pairs)
    User.objects.filter(pk__in=[pairs[0][0].pk, pairs[3][1].pk]).update(team=cast.sales)
    both.teams.set([cast.support])
    with patch.object(background_counts, "count_pairs", wraps=background_counts.count_pairs) as counted:
        count_draft(draft.pk)
    assert {pair for call in counted.call_args_list for pair in call.args[0].values()} == {
        (source.pk, target.pk) for source, target in pairs[1:3]
    }
    assert uncounted(draft) == [2, 5]
    assert [kept.status for kept in draft.rows.all()] == ["error", "warning", "warning", "error"]
    assert [p["code"] for p in row(draft, 5).problems] == ["active-source", "unknown-user"]
    assert background_counts.counting_progress(draft).is_complete
