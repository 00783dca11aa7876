"""Check the data types against the database, during `migrate`, `check --database default` and the start of a worker.

Start-up fails if a unique key has no policy, or if an undeclared table references rows that a transfer may delete. Keys
and tables that exist only in the database and in no model are checked too. Tables that do not exist yet are not
checked, because migrations will create them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection
from django.db.models import Model

from transfers.checks.trial import refusals
from transfers.engine.compiler.catalog import Table, read_tables
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.plans import CompiledPlan, compile_plan, tables_of
from transfers.engine.compiler.policies import policy_of
from transfers.engine.compiler.requirements import CannotCompile
from transfers.models import DiscardedRow
from transfers.registry import data_types
from transfers.rules import ArrayColumn, Combine, DataType, JsonPath, Owner, Rename

REFERENCES = """
SELECT parent.relname, child.relname, con.conname
FROM pg_constraint AS con
JOIN pg_class AS parent ON parent.oid = con.confrelid
JOIN pg_class AS child ON child.oid = con.conrelid
WHERE con.contype = 'f' AND con.confrelid IN (SELECT to_regclass(quote_ident(name)) FROM unnest(%s::text[]) AS t (name))
ORDER BY 1, 2
"""

INDEXES = """
SELECT t.name, pg_get_indexdef(i.indexrelid, 1, false)
FROM unnest(%s::text[]) AS t (name)
JOIN pg_index AS i ON i.indrelid = to_regclass(quote_ident(t.name)) AND i.indisvalid AND i.indpred IS NULL
"""


@register(Tags.database)
def data_types_fit_the_database(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    if not databases or "default" not in databases:
        return []
    entries = data_types()
    tables = read_tables(name for entry in entries for name in tables_of(entry))
    present = [entry for entry in entries if entry.model._meta.db_table in tables]
    return [
        *missing_columns(present, tables),
        *undecided_keys(present, tables),
        *unknown_references(present, tables),
        *not_compiled(present, tables),
        *slow_owners(present),
    ]


def owner_columns(entry: DataType) -> list[str]:
    return [column_of(entry.model, owner.field) for owner in entry.owners]


def missing_columns(entries: Iterable[DataType], tables: dict[str, Table]) -> Iterator[CheckMessage]:
    for entry in entries:
        table = tables[entry.model._meta.db_table]
        for column in owner_columns(entry):
            if column not in table.columns | table.generated:
                yield Error(
                    f"{entry.name}: the table {table.name} has no column {column}.",
                    hint=f"Correct the model or the table. Columns in the database: {', '.join(table.columns)}.",
                    id="transfers.E101",
                )


def undecided_keys(entries: Iterable[DataType], tables: dict[str, Table]) -> Iterator[CheckMessage]:
    for entry in entries:
        if isinstance(entry.rule, Combine) and entry.rule.on_clash is None:
            for key in tables[entry.model._meta.db_table].keys_with(owner_columns(entry)):
                yield Error(
                    f"{entry.name}: the database has the unique key {key.name} ({', '.join(key.expressions)}), so"
                    " rows of both users can conflict, but no policy is declared.",
                    hint="Declare which row survives in datatypes.py, e.g.:\n    Combine(on_clash=KeepTarget())",
                    id="transfers.E102",
                )


def unknown_references(entries: Iterable[DataType], tables: dict[str, Table]) -> Iterator[CheckMessage]:
    known = {
        entry.model._meta.db_table: set(tables_of(entry))
        for entry in entries
        if can_lose_rows(entry, tables[entry.model._meta.db_table])
    }
    with connection.cursor() as cursor:
        cursor.execute(REFERENCES, [sorted(known)])
        for parent, child, constraint in cursor.fetchall():
            if child not in known[parent]:
                yield Error(
                    f"A transfer may delete rows of {parent} that {child} references (foreign key {constraint}).",
                    hint="Declare the table in the DataType, with its own model and field:\n"
                    '    children=(Child(ChildModel, "foreign_key"),)',
                    id="transfers.E103",
                )


def not_compiled(entries: Iterable[DataType], tables: dict[str, Table]) -> Iterator[CheckMessage]:
    plans = []
    for entry in entries:
        if set(tables_of(entry)) <= set(tables) and is_migrated(entry.model, tables):
            try:
                plans.append(compile_plan(entry, tables))
            except CannotCompile as refusal:
                yield Error(str(refusal), hint=refusal.hint, id="transfers.E104")
    if is_migrated(DiscardedRow, read_tables([DiscardedRow._meta.db_table])):
        yield from not_prepared(plans)


def not_prepared(plans: list[CompiledPlan]) -> Iterator[CheckMessage]:
    for plan, message in refusals(plans):
        entry = plan.data_type
        yield Error(
            f"{entry.name}: the database refuses the statements for {entry.model._meta.db_table}: {message}.",
            hint="Correct the declaration or the type of the column. If IDs are stored as text, add as_text=True.",
            id="transfers.E105",
        )


def is_migrated(model: type[Model], tables: dict[str, Table]) -> bool:
    """Return whether the table has every column of the model. `migrate` runs the checks before it adds new columns."""
    fields = model._meta.local_concrete_fields
    columns = {field.column for field in fields if field.column and not field.generated}
    table = tables.get(model._meta.db_table)
    return table is not None and columns <= {*table.columns, *table.generated}


def can_lose_rows(entry: DataType, table: Table) -> bool:
    if entry.overwrites or entry.drop_self_edges:
        return True
    return not isinstance(policy_of(entry), Rename) and bool(table.keys_with(owner_columns(entry)))


def slow_owners(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    names = sorted({entry.model._meta.db_table for entry in entries})
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [names])
        indexed = {(table, strip_parentheses(expression)) for table, expression in cursor.fetchall()}
    for entry in entries:
        for owner in entry.owners:
            table = entry.model._meta.db_table
            if (table, leading_expression(entry, owner)) not in indexed:
                yield Warning(
                    f"{entry.name}: no index starts with {leading_expression(entry, owner)}, so every transfer"
                    f" reads the whole table {table}.",
                    hint=create_index(entry, owner),
                    id="transfers.W101",
                )


def leading_expression(entry: DataType, owner: Owner) -> str:
    """Return the expression with which an index must start to find rows by owner, as PostgreSQL prints it."""
    column = column_of(entry.model, owner.field)
    if not isinstance(owner, JsonPath):
        return column
    expression = column
    for step in owner.path:
        expression = f"({expression} -> '{step}'::text)"
    return strip_parentheses(expression)


def strip_parentheses(expression: str) -> str:
    """Strip the one or two pairs of parentheses that PostgreSQL prints around an index expression."""
    while expression.startswith("(") and expression.endswith(")"):
        expression = expression[1:-1]
    return expression


def create_index(entry: DataType, owner: Owner) -> str:
    table, column = entry.model._meta.db_table, column_of(entry.model, owner.field)
    match owner:
        case ArrayColumn():
            return f"CREATE INDEX CONCURRENTLY ON {table} USING gin ({column});"
        case JsonPath(path=path):
            steps = "".join(f" -> '{step}'" for step in path)
            return f"CREATE INDEX CONCURRENTLY ON {table} USING gin (({column}{steps}) jsonb_path_ops);"
    return f"CREATE INDEX CONCURRENTLY ON {table} ({column});"
