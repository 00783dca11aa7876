"""Run pairs through the engine and read all record tables, to compare them with the reference model."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.db.models import Model
from django.db.models.functions import Now
from psycopg import sql

from accounts.models import User
from tests.fixtures import cast
from tests.fixtures.roles import as_owner
from tests.harness import oracle
from tests.harness.oracle.product_tables import PRODUCT_TABLES
from tests.harness.oracle.small_tables import SMALL_TABLES
from tests.harness.oracle.world import Counts, Discarded
from tests.transfers.rules.journal import journal_counts, pair_counts
from transfer_site.run.embedded import APPLICATION
from transfers.engine import stage
from transfers.engine.batch import run_batch
from transfers.engine.catalog.names import parts_of
from transfers.engine.compiler.steps import comma
from transfers.engine.prediction import predict
from transfers.engine.stage import StagedPair, execute
from transfers.engine.undo.prediction import predict_undo
from transfers.engine.undo.tables import UndonePair
from transfers.models import Kind, PairState, State, Transfer, TransferPair
from transfers.registry import data_types
from transfers.results.deleted_rows import deleted_rows
from transfers.rules import Child, DataType

UserPair = tuple[User, User]


@dataclass(frozen=True)
class Ran:
    """The result of a run: final tables, actual and predicted counts by pair number (from 0), and discarded rows.

    `transfer_id` is the ID of the transfer.
    """

    world: oracle.World
    counts: Counts
    predicted: Counts
    discarded: list[Discarded]
    transfer_id: int


@contextmanager
def only(*entries: DataType) -> Iterator[None]:
    """Limit the engine to these data types and the small table Plain, to make tests with many runs faster."""
    plain = [entry for entry in data_types() if entry.model._meta.db_table == "smallapp_plain"]
    limited = [*plain, *(entry for entry in entries if entry not in plain)]
    with patch.object(stage, "data_types", lambda: limited):
        yield


def run_pairs(
    by: User,
    pairs: Sequence[UserPair],
    types: Sequence[DataType] = (),
    *,
    late: bool = False,
    batches: int = 1,
) -> Ran:
    """Run the pairs as one batch or several, and raise an error if a pair fails.

    late: run a transfer of late arrivals, which replaces no row of a target.
    """
    transfer = cast.transfer(by, *pairs, state=State.RUNNING, kind=Kind.BULK, keeps_target=late)
    staged = list(transfer.pairs.order_by("row_number"))
    number = {pair.pk: n for n, pair in enumerate(staged)}
    predicted = predict(
        [StagedPair(pair.pk, pair.source_id, pair.target_id) for pair in staged], keep_target=late
    )
    for n in range(batches):
        run_batch(transfer, list(number)[n::batches])
    done = list(transfer.pairs.order_by("row_number"))
    failed = [(pair, pair.state, pair.reason) for pair in done if pair.state != PairState.SUCCEEDED]
    assert not failed, failed
    ran = Ran(
        world_of_records(types or small_types()),
        {number[pair.pk]: pair.counts for pair in done if pair.counts},
        {number[key]: counts for key, counts in predicted.items()},
        list(discarded_by(transfer, number)),
        transfer.pk,
    )
    assert journal_counts(transfer.pk) == pair_counts(done)
    Transfer.objects.filter(pk=transfer.pk).update(state=State.SUCCEEDED, finished_at=Now())
    return ran


def undo_all(
    *transfer_ids: int, leave_changed: bool = False, sources: Sequence[User] = ()
) -> list[TransferPair]:
    """Undo the pairs of these transfers in one batch, and return the pairs of the undo.

    The first is the transfer, the others moved late arrivals of the same pairs since. sources: undo only the pairs of
    these users. Asserts that the undo does what was predicted.
    """
    first, *later = (Transfer.objects.get(pk=transfer_id) for transfer_id in transfer_ids)
    facts = {"kind": Kind.UNDO, "undoes": first, "leaves_changed": leave_changed}
    undone = [pair for pair in first.pairs.order_by("row_number") if not sources or pair.source in sources]
    undo = cast.transfer(
        first.requested_by, *((pair.target, pair.source) for pair in undone), state=State.RUNNING, **facts
    )
    pairs = list(undo.pairs.order_by("row_number"))
    for pair, of in zip(pairs, undone, strict=True):
        late = TransferPair.objects.filter(transfer__in=later, source=of.source, target=of.target)
        pair.warnings = ["active-source", "inactive-target"]
        pair.undoes = [*late.order_by("-pk").values_list("pk", flat=True), of.pk]
        pair.save()
    given = [UndonePair(pair.pk, pair.source_id, pair.target_id, tuple(pair.undoes)) for pair in pairs]
    with only(*types_moved_by(transfer_ids)):
        predicted = predict_undo(given, leave_changed=leave_changed)
        execute("SET CONSTRAINTS ALL DEFERRED")  # as at the start of a transaction
        run_batch(undo, [pair.pk for pair in pairs])
    done = list(undo.pairs.order_by("row_number"))
    for pair in done:
        if pair.state == PairState.SUCCEEDED:
            assert pair.counts == predicted[pair.pk].counts
    return done


def types_moved_by(transfer_ids: Sequence[int]) -> list[DataType]:
    counts = TransferPair.objects.filter(transfer__in=transfer_ids, counts__isnull=False).values_list(
        "counts", flat=True
    )
    keys = {key for of_pair in counts for key in of_pair}
    return [entry for entry in data_types() if entry.key in keys]


def discarded_by(transfer: Transfer, number: dict[int, int]) -> Iterator[Discarded]:
    for entry, row in deleted_rows(transfer.pk):
        yield Discarded(db_table(entry.table), entry.what, number[entry.pair_id], row)


def db_table(regclass: str) -> str:
    """Return the `db_table` of the model of a table, of which PostgreSQL prints the name without needless quotes."""
    names = {model._meta.db_table for model in models_of(data_types())}
    return next(
        (name for name in names if "".join(regclass.split('"')) == ".".join(parts_of(name))), regclass
    )


def expected(
    world: oracle.World, pairs: Sequence[UserPair], users: Iterable[User], types: Iterable[DataType]
) -> oracle.Outcome:
    """Return the reference model's result for these pairs and tables."""
    return oracle.transfer(
        world,
        types,
        oracle.Batch(
            tuple(oracle.Pair(n, source.pk, target.pk) for n, (source, target) in enumerate(pairs)),
            known(users),
            SMALL_TABLES | PRODUCT_TABLES,
        ),
    )


def known(users: Iterable[User]) -> oracle.People:
    """Map the ID of each user to the attributes that the reference model needs."""
    attributes = ("id", "username", "employee_id", "external_id", "tenant_id")
    return {user.pk: {name: getattr(user, name) for name in attributes} for user in users}


# --- Record tables as rows of plain values --------------------------------------------------------------------------


def small_types() -> list[DataType]:
    return [entry for entry in data_types() if entry.model._meta.app_label == "smallapp"]


def models_of(types: Iterable[DataType]) -> list[type[Model]]:
    """Return the Django models of the types and of all their descendant tables."""
    return [model for entry in types for model in (entry.model, *descendants(entry.children))]


def descendants(children: Sequence[Child]) -> Iterator[type[Model]]:
    for child in children:
        yield child.model
        yield from descendants(child.children)


def type_of(table: str) -> DataType:
    return next(entry for entry in data_types() if entry.model._meta.db_table == table)


def world_of_records(types: Iterable[DataType]) -> oracle.World:
    """Return all rows of the types' tables and their child tables, in a fixed order."""
    tables = [model._meta.db_table for model in models_of(types)]
    return {table: rows_of(table) for table in tables}


def rows_of(table: str) -> list[oracle.world.Row]:
    return in_order(json.loads(text) for text in query("SELECT to_jsonb(t)::text FROM {} AS t", table))


def in_order(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def insert(table: str, rows: Sequence[oracle.world.Row]) -> None:
    """Insert complete rows, in the form that `rows_of` returns."""
    columns = comma(sql.Identifier(name) for name in rows[0]) if rows else sql.SQL("")
    statement = "INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_recordset(NULL::{0}, %s)"
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(composed(statement, table, columns), [json.dumps(rows)])


def change_tables(statements: str) -> None:
    """Run DDL as the owner of the tables, and grant the application's role access to new tables."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statements)
        for table in re.findall(r'CREATE TABLE (\w+|"[^"]+")', statements):
            cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APPLICATION}")


def query(statement: str, table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(composed(statement, table))
        return [value for (value,) in cursor.fetchall()]


def foreign_key(table: str) -> str:
    """Return the name of the table's only foreign key, quoted."""
    constraints = "SELECT format('%I', conname) FROM pg_constraint WHERE contype = 'f' AND conrelid = "
    [name] = query(constraints + f"'{table}'::regclass", table)
    return name


def composed(statement: str, table: str, *further: sql.Composable) -> str:
    return sql.SQL(statement).format(sql.Identifier(*parts_of(table)), *further).as_string(None)


# --- Rows of the small tables ----------------------------------------------------------------------------------------


def whole_row(model: type[Model], **values: Any) -> oracle.world.Row:
    """Return a row as {column: value}. Columns that are not given get the model's defaults."""
    row = {}
    for field in model._meta.local_concrete_fields:
        if field.column:
            row[field.column] = values.get(field.name, values.get(field.column, default_of(field)))
    return row


def default_of(field: Any) -> Any:
    return field.get_default() if field.has_default() or not field.null else None
