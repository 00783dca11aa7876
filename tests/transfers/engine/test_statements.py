"""The number of SQL statements depends on the data types, not on pairs or rows; the headers of their files are true."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.fixtures import records
from tests.fixtures.cast import Cast, agent
from tests.fixtures.running import confirm, upload
from tests.fixtures.undoing import prepare
from transfers.engine.batch import run_batch
from transfers.engine.compiler.steps import SQL_FOLDER, sql_file
from transfers.engine.prediction import predict, rows_of_sources
from transfers.engine.stage import StagedPair, compile_plans
from transfers.models import Transfer

pytestmark = pytest.mark.django_db


def statements_of_a_batch(cast: Cast, name: str, pairs: int, rows: int) -> int:
    users = [agent(cast.support, f"{name} Number{number}") for number in range(2 * pairs)]
    for user in users:
        records.everything(user, rows)
    transfer = confirm(upload(cast.ada, *zip(users[:pairs], users[pairs:], strict=True)), cast.ada)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        run_batch(transfer, list(transfer.pairs.values_list("pk", flat=True)))
    assert transfer.pairs.filter(state="succeeded").count() == pairs
    transfer.participants.all().delete()
    type(transfer).objects.filter(pk=transfer.pk).update(state="succeeded", finished_at=transfer.confirmed_at)
    return len(queries)


def test_a_batch_takes_as_many_statements_for_ten_pairs_as_for_two(cast: Cast) -> None:
    assert statements_of_a_batch(cast, "Two", pairs=2, rows=1) == statements_of_a_batch(
        cast, "Ten", pairs=10, rows=3
    )


def statements_of_an_undo(cast: Cast, name: str, pairs: int, rows: int) -> int:
    statements_of_a_batch(cast, name, pairs, rows)
    undo = confirm(prepare(cast.ada, Transfer.objects.latest("pk")), cast.ada)
    with CaptureQueriesContext(connection) as queries:
        run_batch(undo, list(undo.pairs.values_list("pk", flat=True)))
    assert undo.pairs.filter(state="succeeded").count() == pairs
    undo.participants.all().delete()
    Transfer.objects.filter(pk=undo.pk).update(state="succeeded", finished_at=undo.confirmed_at)
    return len(queries)


def test_an_undo_takes_as_many_statements_for_ten_pairs_as_for_two(cast: Cast) -> None:
    assert statements_of_an_undo(cast, "Two", 2, 1) == statements_of_an_undo(cast, "Ten", 10, 3)


def test_a_single_pair_takes_as_many_statements_for_many_rows_as_for_few(cast: Cast) -> None:
    assert statements_of_a_batch(cast, "Few", pairs=1, rows=1) == statements_of_a_batch(
        cast, "Many", pairs=1, rows=5
    )


def test_steps_of_several_pairs_are_sent_together(cast: Cast) -> None:
    """The steps of the types whose rows belong to one user, and then those of the types with shared rows."""
    records.everything(cast.ana, 1)
    found = rows_of_sources([StagedPair(1, cast.ana.pk, cast.bo.pk)])[1]
    alone = statements_of_a_batch(cast, "One", pairs=1, rows=1)
    plans = [plan for plan in compile_plans() if plan.data_type.key in found or not plan.totals.counts]
    steps = sum(len(plan.run) for plan in plans)
    assert statements_of_a_batch(cast, "Ten", pairs=10, rows=1) == alone - steps + 2


def test_direct_types_without_children_take_no_statement_of_a_preview() -> None:
    direct = [plan for plan in compile_plans() if plan.totals.counts and not plan.resolves_conflicts]
    counts_children = [bool(plan.data_type.overwrites and plan.data_type.children) for plan in direct]
    assert [bool(plan.predict) for plan in direct] == counts_children
    assert set(counts_children) == {True, False}


def test_a_preview_takes_as_many_statements_for_ten_pairs_as_for_one(cast: Cast) -> None:
    users = [agent(cast.support, f"Agent Number{number}") for number in range(20)]
    for user in users:
        records.everything(user, 1)
    staged = [StagedPair(n, users[n].pk, users[n + 10].pk) for n in range(10)]
    with CaptureQueriesContext(connection) as one:
        predict(staged[:1])
    with CaptureQueriesContext(connection) as ten:
        predict(staged)
    assert len(one) == len(ten)


# --- Headers of the SQL files ----------------------------------------------------------------------------------------

PARTS = {"counted": "deleted"}  # placeholder -> part, if the names differ
WRITTEN = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(transfer_\w+)")


def whole(name: str) -> str:
    """Return a statement without comments, with the parts that it includes."""

    def included(found: re.Match[str]) -> str:
        part = f"parts/{PARTS.get(found[1], found[1])}"
        return whole(part) if (SQL_FOLDER / f"{part}.sql").exists() else found[0]

    return re.sub(r"\{(\w+)\}", included, re.sub(r"--.*", "", sql_file(name)))


@pytest.mark.parametrize("name", sorted(path.stem for path in SQL_FOLDER.glob("*.sql")))
def test_the_header_names_the_work_tables_that_are_written(name: str) -> None:
    header = " ".join(re.findall(r"^--(.*)", sql_file(name), re.MULTILINE))
    said = " ".join(re.findall(r"writes: ([^.]*)\.", header))
    written = set(WRITTEN.findall(whole(name)))
    assert written == set(re.findall(r"transfer_\w+", said)), header
