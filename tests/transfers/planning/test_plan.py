"""The plan of a transfer: its numbers, its warnings, and its hash."""

from collections.abc import Callable
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent
from tests.fixtures.roles import as_owner
from tests.fixtures.running import run_single, upload
from transfers.actions.rechecking import recheck_draft
from transfers.models import DraftRow, Transfer
from transfers.planning import counts as counting
from transfers.planning.impact import ImpactLine, add_up, impact_of
from transfers.planning.plan import Plan, make_plan, plan_for_pair, plan_of
from transfers.registry import by_key, data_types
from transfers.templatetags.impact_ui import records_and_children
from transfers.validation import CandidateRow

pytestmark = pytest.mark.django_db
SCHEDULE = "workforce.agentschedule"


def codes(plan: Plan, row: int = 0) -> list[str]:
    return [problem.code for problem in plan.rows[row].problems]


def line(plan: Plan, key: str) -> ImpactLine:
    return next(line for line in plan.totals.lines if line.data_type.key == key)


def pairs_of(cast: Cast, count: int) -> list[tuple[User, User]]:
    return [
        (agent(cast.support, f"S{number} X", is_active=False), agent(cast.support, f"T{number} X"))
        for number in range(count)
    ]


# --- Numbers -------------------------------------------------------------------------------------------------------


def test_combined_and_deleted_of_a_line() -> None:
    numbers = {"source": 9, "target": 5, "moved": 6, "dropped": 1, "merged": 2, "replaced": 5}
    line = ImpactLine(by_key(SCHEDULE), **numbers, children=20, replaced_children=17)
    assert (line.transferred, line.deleted, line.kept) == (8, 22, False)


def test_children_of_dropped_records_are_not_deleted_from_the_target() -> None:
    """Also if other records of the type are replaced, of the same pair or of another."""
    pairs = [
        {SCHEDULE: {"source": 2, "dropped": 2, "children": 5}},
        {SCHEDULE: {"source": 1, "moved": 1, "replaced": 1, "children": 2, "replaced_children": 2}},
        {
            SCHEDULE: {
                "source": 2,
                "moved": 1,
                "dropped": 1,
                "replaced": 1,
                "children": 4,
                "replaced_children": 1,
            }
        },
    ]
    impacts = [impact_of(add_up(pairs)), *map(impact_of, pairs)]
    found = [(impact.deleted, impact.deleted_children, impact.dropped_children) for impact in impacts]
    assert found == [(5, 3, 8), (0, 0, 5), (3, 2, 0), (2, 1, 3)]
    assert records_and_children(impacts[0].lines[0]) == "2 agent schedules with 3 activities"


def test_overwrite_keeps_the_target_if_the_source_has_no_rows() -> None:
    assert ImpactLine(by_key(SCHEDULE), target=5).kept
    assert not ImpactLine(by_key(SCHEDULE)).kept
    assert not ImpactLine(by_key("quality.ccr"), target=5).kept


def test_lines_come_in_the_order_of_the_registry_and_unknown_types_are_left_out() -> None:
    counts = {entry.key: {"source": 1, "moved": 1} for entry in reversed(data_types())} | {
        "gone.type": {"source": 1}
    }
    impact = impact_of(counts)
    assert [line.data_type for line in impact.lines] == list(data_types())
    assert (impact.source, impact.transferred, impact.dropped, impact.deleted) == (
        *[len(data_types())] * 2,
        0,
        0,
    )


def test_adding_up() -> None:
    assert add_up([{"a": {"source": 1}}, {"a": {"source": 2, "moved": 3}, "b": {"target": 4}}]) == {
        "a": {"source": 3, "moved": 3},
        "b": {"target": 4},
    }


def test_the_plan_of_a_pair_counts_every_type(cast: Cast) -> None:
    records.everything(cast.ana)
    records.everything(cast.bo, n=2)
    plan = plan_for_pair(cast.otto, cast.ana.pk, cast.bo.pk)
    assert plan.ready
    assert {line.data_type.name for line in plan.totals.lines} == set(records.owned_by(cast.ana))
    schedules = line(plan, SCHEDULE)
    assert (schedules.source, schedules.moved, schedules.replaced) == (3, 3, 2)
    assert (schedules.children, schedules.replaced_children, schedules.deleted) == (4, 4, 6)
    assert plan.pairs[0].weight == sum(line.source + line.target for line in plan.totals.lines)


def test_a_pair_with_an_error_is_not_counted(cast: Cast) -> None:
    records.everything(cast.eli)
    plan = plan_for_pair(cast.otto, cast.eli.pk, cast.bo.pk)
    assert not plan.ready
    assert plan.totals.lines == ()
    assert (plan.pairs[0].source, plan.pairs[0].target.name) == (None, "Bo Chen")


def test_nothing_is_ready_without_a_pair(cast: Cast) -> None:
    plan = make_plan(cast.ada, [])
    assert not plan.ready
    assert plan.errors == []
    assert [problem.code for problem in plan.warnings] == ["no-users-selected"]


def test_an_error_of_the_file_blocks_good_rows(cast: Cast) -> None:
    with patch("transfers.validation.problem_kinds.MAXIMUM_PAIRS", 1):
        plan = make_plan(
            cast.ada, [CandidateRow(2, cast.ana.pk, cast.bo.pk), CandidateRow(3, cast.cy.pk, cast.di.pk)]
        )
    assert all(pair.is_ready for pair in plan.pairs)
    assert not plan.ready
    assert [problem.code for problem in plan.errors] == ["too-many-pairs"]


def test_a_repeated_row_is_checked_but_counted_and_run_once(cast: Cast) -> None:
    records.call(cast.ana)
    rows = [CandidateRow(number, cast.ana.pk, cast.bo.pk) for number in (2, 3)]
    plan = make_plan(cast.ada, rows)
    assert plan.ready
    assert (len(plan.rows), [pair.row_number for pair in plan.pairs]) == (2, [2])
    assert plan.totals.source == 1


# --- Errors that only the numbers reveal ---------------------------------------------------------------------------


def test_a_target_with_an_id_that_a_column_cannot_hold(cast: Cast) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE quality_ccr ALTER agent_id TYPE integer")
    far = agent(cast.support, "Far Away", pk=2**40)
    records.everything(cast.ana)
    records.schedule(cast.cy, 1)
    draft = upload(cast.ada, (cast.ana, far), (cast.cy, cast.di))
    for recount in (True, False):
        plan = plan_of(draft, cast.ada, recount=recount)
        assert [pair.is_ready for pair in plan.pairs] == [False, True]
        [problem] = plan.errors
        assert (problem.code, problem.row, problem.value) == ("id-does-not-fit", 2, str(far.pk))
        assert "CCRs" in problem.sentence
        assert plan.totals.transferred == 1
    assert [row.status for row in draft.rows.all()] == [DraftRow.Status.ERROR, DraftRow.Status.WARNING]


def test_a_target_who_would_be_in_two_roles(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(by_key("quality.evaluation").__dict__, "self_edges", "refuse")
    records.evaluation(records.call(cast.eli), cast.bo, cast.ana)
    records.schedule(cast.cy, 1)
    draft = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    for recount in (True, False):
        plan = plan_of(draft, cast.ada, recount=recount)
        assert [pair.is_ready for pair in plan.pairs] == [False, True]
        [problem] = plan.errors
        assert (problem.code, problem.row, problem.value) == ("self-edge", 2, str(cast.bo.pk))
        assert "1 record would have" in problem.sentence


def test_a_record_for_which_no_new_name_is_free(cast: Cast) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE quality_contactgoal ALTER name TYPE varchar(3)")
    for user in (cast.ana, cast.bo):
        records.goal(user, "New")
    plan = plan_for_pair(cast.ada, cast.ana.pk, cast.bo.pk)
    [problem] = plan.errors
    assert (problem.code, problem.value) == ("no-free-name", str(cast.bo.pk))
    assert problem.sentence.startswith("Contact Goal: 1 record would have the same name as one of ")


@pytest.mark.parametrize("expression", ["owner_id::integer", "near(owner_id)"])
def test_records_that_the_database_refuses_to_compare(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, expression: str
) -> None:
    """An expression in an index fails for one Target User. The other pairs are counted nevertheless."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION near(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS
                $$ BEGIN IF $1 > 2^32 THEN RAISE 'too far'; END IF; RETURN $1; END $$;
            DROP INDEX contact_goal_name_unique;
        """)
        cursor.execute(f"CREATE UNIQUE INDEX goal_once ON quality_contactgoal (({expression}), name)")
    far = agent(cast.support, "Far Away", pk=2**40)
    records.goal(cast.ana, "New")
    records.schedule(cast.cy, 1)
    records.schedule(cast.eli, 1)
    draft = upload(cast.ada, (cast.cy, cast.di), (cast.ana, far), (cast.eli, cast.bo))
    one = {"transferred": 1, "deleted": 0}
    assert [row.impact for row in draft.rows.order_by("number")] == [one, None, one]
    for recount in (True, False):
        plan = plan_of(draft, cast.ada, recount=recount)
        assert [pair.is_ready for pair in plan.pairs] == [True, False, True]
        [problem] = plan.errors
        assert (problem.code, problem.row, problem.value) == ("not-comparable", 3, str(far.pk))
        assert problem.sentence.startswith("Contact Goal cannot be counted: the database reports an error")
        assert plan.totals.transferred == 2
    monkeypatch.setattr(counting, "MOST_FAILURES", 1)
    plan = plan_of(draft, cast.ada)
    assert {problem.code for problem in plan.errors} == {"not-comparable"}
    assert not any(pair.is_ready for pair in plan.pairs)


def test_a_preview_that_takes_too_long_is_no_error_of_a_pair(cast: Cast) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE FUNCTION slowly(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS
                $$ BEGIN IF $1 = {cast.bo.pk} THEN RAISE query_canceled; END IF; RETURN $1; END $$;
            DROP INDEX contact_goal_name_unique;
        """)
        cursor.execute("CREATE UNIQUE INDEX goal_once ON quality_contactgoal (slowly(owner_id), name)")
    records.goal(cast.ana, "New")
    with pytest.raises(OperationalError):
        plan_for_pair(cast.ada, cast.ana.pk, cast.bo.pk)


def test_an_id_that_a_column_cannot_hold_is_no_error_if_no_row_would_get_it(cast: Cast) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE quality_ccr ALTER agent_id TYPE integer")
    far = agent(cast.support, "Far Away", pk=2**40)
    records.schedule(cast.ana, 1)
    assert plan_for_pair(cast.ada, cast.ana.pk, far.pk).ready


# --- Warnings ------------------------------------------------------------------------------------------------------


def test_a_source_without_records(cast: Cast) -> None:
    records.everything(cast.bo)
    assert "nothing-to-move" in codes(plan_for_pair(cast.otto, cast.ana.pk, cast.bo.pk))
    records.call(cast.ana)
    assert "nothing-to-move" not in codes(plan_for_pair(cast.otto, cast.ana.pk, cast.bo.pk))


def test_a_pair_that_was_transferred_before(cast: Cast) -> None:
    records.call(cast.ana)
    done = run_single(cast.otto, cast.ana, cast.bo)
    plan = plan_for_pair(cast.otto, cast.ana.pk, cast.bo.pk)
    assert plan.ready
    (problem,) = (problem for problem in plan.warnings if problem.code == "transferred-before")
    assert f"{done.finished_at:%-d %b %Y %H:%M}" in problem.sentence
    assert "transferred-before" not in codes(plan_for_pair(cast.otto, cast.ana.pk, cast.cy.pk))


# --- The hash ------------------------------------------------------------------------------------------------------


def test_the_hash_is_the_same_when_nothing_has_changed(cast: Cast) -> None:
    records.everything(cast.ana)
    draft = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    first = plan_of(draft, cast.ada).hash
    assert len(first) == 64
    assert plan_of(Transfer.objects.get(), cast.ada).hash == first
    assert plan_of(draft, cast.ada, recount=False).hash == first


def test_the_hash_changes_with_the_numbers(cast: Cast) -> None:
    draft = upload(cast.ada, (cast.ana, cast.bo))
    records.call(cast.ana)
    before = plan_of(draft, cast.ada).hash
    records.call(cast.ana)
    assert plan_of(draft, cast.ada).hash != before


def test_the_hash_changes_with_the_warnings(cast: Cast) -> None:
    draft = upload(cast.ada, (cast.ana, cast.bo))
    before = plan_of(draft, cast.ada).hash
    User.objects.filter(pk=cast.bo.pk).update(is_active=False)
    assert plan_of(draft, cast.ada).hash != before


def test_the_hash_changes_with_the_pairs(cast: Cast) -> None:
    hashes = {
        plan_of(upload(cast.ada, *pairs), cast.ada).hash
        for pairs in ([(cast.ana, cast.bo)], [(cast.ana, cast.cy)], [(cast.ana, cast.bo), (cast.cy, cast.di)])
    }
    assert len(hashes) == 3


def test_the_hash_does_not_change_with_other_users(cast: Cast) -> None:
    draft = upload(cast.ada, (cast.ana, cast.bo))
    before = plan_of(draft, cast.ada).hash
    records.everything(cast.cy)
    assert plan_of(draft, cast.ada).hash == before


# --- Counting again, or not ----------------------------------------------------------------------------------------


def counted(draft: Transfer, by: User, *, recount: bool) -> set[tuple[int, int]]:
    """Create the plan, and return the pairs that were counted for it, as (source ID, target ID)."""
    with patch.object(counting, "predict", wraps=counting.predict) as predict:
        plan_of(draft, by, recount=recount)
    return {(pair.source_id, pair.target_id) for call in predict.call_args_list for pair in call.args[0]}


def test_stored_counts_are_used_until_the_confirmation(cast: Cast) -> None:
    draft = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    pairs = {(cast.ana.pk, cast.bo.pk), (cast.cy.pk, cast.di.pk)}
    assert counted(draft, cast.ada, recount=False) == set()
    assert counted(draft, cast.ada, recount=True) == pairs
    DraftRow.objects.filter(number=3).update(counts=None)
    assert counted(draft, cast.ada, recount=False) == {(cast.cy.pk, cast.di.pk)}


# --- Queries -------------------------------------------------------------------------------------------------------


def queries(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def test_as_many_queries_for_two_hundred_rows_as_for_five(cast: Cast) -> None:
    pairs = pairs_of(cast, 200)
    for source, _ in pairs[::40]:
        records.everything(source)
    few, many = upload(cast.ada, *pairs[:5]), upload(cast.ada, *pairs)
    assert queries(lambda: plan_of(few, cast.ada)) == queries(lambda: plan_of(many, cast.ada))
    assert queries(lambda: recheck_draft(few, cast.ada)) == queries(lambda: recheck_draft(many, cast.ada))
