"""Check the unique keys, exclusion constraints and indexes that hold an owner, as the database has them."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from django.core.checks import CheckMessage, Error, Warning
from django.db.models import Model
from psycopg import sql

from transfers.checks.catalog.tables import Catalog, Index, identifier
from transfers.checks.children import goes_with_parent
from transfers.checks.introspection import DECIDE
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.policies import policy_of
from transfers.engine.compiler.requirements.columns import kept_children, written_fields
from transfers.engine.compiler.requirements.keys import asks_for_kind
from transfers.engine.compiler.requirements.parts_of_keys import uses, without
from transfers.rules import (
    ArrayColumn,
    Child,
    Column,
    Combine,
    DataType,
    JsonPath,
    Owner,
    Polymorphic,
    Profile,
    Rename,
    all_children,
)

GIN = {ArrayColumn, JsonPath}


# --- Keys ------------------------------------------------------------------------------------------------------------


def owner_columns(entry: DataType) -> set[str]:
    return {column_of(entry.model, owner.field) for owner in entry.owners}


def written_columns(entry: DataType) -> list[tuple[type[Model], str]]:
    """Return the columns that a transfer may change, each with its model."""
    fields = [(entry.model, name) for name in written_fields(entry)]
    fields += [(child.model, child.field) for child in all_children(entry.children)]
    return list(dict.fromkeys((model, column_of(model, name)) for model, name in fields))


def columns_of_kept_rows(entry: DataType, catalog: Catalog) -> Iterator[tuple[type[Model], str]]:
    """Yield the columns that a transfer may change in rows that it does not delete, each with its model.

    Children of overwritten rows are deleted with their parent, also those of late arrivals.
    """
    yield from ((entry.model, column_of(entry.model, field)) for field in written_fields(entry))
    if can_lose_rows(entry, catalog):
        yield from ((child.model, column_of(child.model, child.field)) for child in kept_children(entry))


def clashing_keys(indexes: list[Index], columns: set[str]) -> list[Index]:
    """Return the keys and exclusion constraints by which two rows can conflict because of one of the columns.

    A unique key that contains another one, such as the primary key, cannot be violated, unless that has one of the
    columns, too.
    """
    distinct = [
        index
        for index in indexes
        if index.is_unique and not (index.constraint or index.predicate) and columns.isdisjoint(index.columns)
    ]
    return [
        key
        for key in indexes
        if (key.is_unique or key.constraint)
        and not columns.isdisjoint(key.columns)
        and not (key.is_unique and any(contains(key, one) for one in distinct))
    ]


def contains(key: Index, one: Index) -> bool:
    """Return whether no two rows have the same values in the key because of another one, which is for all rows."""
    has_its_parts = {*one.expressions} <= {*key.expressions}
    return has_its_parts and (one.is_primary or not key.nulls_equal)


def candidate_key(indexes: Iterable[Index], required: Collection[str]) -> tuple[str, ...]:
    """Return the columns of a unique key that could be the primary key, or (). required: the columns without NULLs."""
    for index in indexes:
        names = tuple(name for name in index.names if name)
        if index.is_unique and not index.predicate and names == index.names and {*names} <= {*required}:
            return names
    return ()


def add_primary_key(table: str, key: Sequence[str], columns: Collection[str]) -> str:
    """Return the statement that gives a table a primary key: a unique key that it has, or else a number of its own.

    table, key: quoted names.
    """
    if key:
        return f"ALTER TABLE {table} ADD PRIMARY KEY ({', '.join(key)});"
    name = next(name for name in ("id", "row_id", "transfer_row_id") if name not in columns)
    return f"ALTER TABLE {table} ADD {identifier(name)} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;"


def clashes(entry: DataType, catalog: Catalog) -> list[Index]:
    """Return the keys by which two rows can conflict because one gets another user."""
    columns, table = owner_columns(entry), catalog.table(entry.model).oid
    return [
        key
        for key in clashing_keys(catalog.indexes_of(table), columns)
        if not all(asks_only_for_a_value(key, table, column, catalog) for column in columns)
    ]


def asks_only_for_a_value(key: Index, table: int, column: str, catalog: Catalog) -> bool:
    """Return whether the key depends on the column at most by asking, in its condition, whether it has a value."""
    rest = without(without(key.predicate, column, "IS NOT NULL"), column, "IS NULL")
    names = [name for name in catalog.columns[table] if catalog.depends(table, name, column)]
    return not any(uses(part, name) for part in (*key.expressions, rest) for name in names)


def can_lose_rows(entry: DataType, catalog: Catalog) -> bool:
    """Return whether a transfer may delete rows of this type, by the keys in the database."""
    if entry.overwrites or entry.drops_self_edges:
        return True
    if isinstance(entry.rule, Profile) or isinstance(policy_of(entry), Rename):
        return False
    return bool(clashes(entry, catalog))


def can_lose_child_rows(entry: DataType, child: Child, catalog: Catalog, *, orphaned: bool = False) -> bool:
    """Return whether a transfer may delete rows of this child; it may delete rows of the parent.

    orphaned: the parent goes with its own, so that no row takes its place.
    """
    if child.detached:
        return False
    return goes_with_parent(entry, child, orphaned=orphaned) or bool(clashes_of_child(child, catalog))


def clashes_of_child(child: Child, catalog: Catalog) -> list[Index]:
    return clashing_keys(indexes_of(catalog, child.model), {column_of(child.model, child.field)})


def indexes_of(catalog: Catalog, model: type[Model]) -> list[Index]:
    return catalog.indexes_of(catalog.table(model).oid)


def undecided_keys(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    for entry in entries:
        if isinstance(entry.rule, Combine) and entry.rule.on_clash is None:
            for key in clashes(entry, catalog):
                if not key.constraint:
                    yield Error(
                        f"{entry.name}: the database has the unique key {key.name} ({', '.join(key.expressions)}), so"
                        " rows of both users can conflict, but no policy is declared.",
                        hint=DECIDE,
                        id="transfers.E102",
                    )


# --- Exclusion constraints -------------------------------------------------------------------------------------------


def exclusions(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each constraint that forbids rows that are similar but not equal, such as ranges that overlap.

    One row may exclude several that do not exclude each other, so only the policies that prefer one user's rows decide.
    The compiler refuses others (`transfers.E104`). No policy decides between child rows.
    """
    for entry in entries:
        if isinstance(entry.rule, Combine):
            for key in clashes(entry, catalog):
                if key.constraint and entry.rule.on_clash is None:
                    yield undecided_exclusion(entry, key)
            for child in all_children(entry.children):
                if not (child.goes_with_parent or child.detached) and can_lose_rows(entry, catalog):
                    found = clashes_of_child(child, catalog)
                    yield from (excluded(entry, child.model, key) for key in found if key.constraint)
        elif entry.overwrites:
            further = {column_of(entry.model, owner.field) for owner in entry.owners[1:]}
            found = clashing_keys(indexes_of(catalog, entry.model), further)
            yield from (excluded(entry, entry.model, key) for key in found if key.constraint)


def undecided_exclusion(entry: DataType, key: Index) -> CheckMessage:
    return Error(
        f"{entry.name}: the constraint {key.name} of {entry.model._meta.db_table} excludes rows of both users that"
        f" overlap: {key.constraint}. No policy is declared.",
        hint="Declare whose rows survive in datatypes.py:\n"
        "    Combine(on_clash=KeepTarget()) or Combine(on_clash=KeepSource())",
        id="transfers.E112",
    )


def excluded(entry: DataType, model: type[Model], key: Index) -> CheckMessage:
    hint = (
        "Keep the table out of DATA_TYPES, list its columns in NOT_TRANSFERRED, and transfer its rows where overlaps"
        " can be judged."
    )
    if model is not entry.model:
        hint = f"Let these rows go with their parent: Child({model.__name__}, …, goes_with_parent=True). Or: {hint}"
    return Error(
        f"{entry.name}: the constraint {key.name} of {model._meta.db_table} excludes rows of both users that overlap:"
        f" {key.constraint}. No policy can decide between them, so such a pair would always fail.",
        hint=hint,
        id="transfers.E112",
    )


# --- Indexes ---------------------------------------------------------------------------------------------------------


def slow_columns(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    for entry in entries:
        owners: list[tuple[type[Model], Owner]] = [(entry.model, owner) for owner in entry.owners]
        owners += [(child.model, Column(child.field)) for child in all_children(entry.children)]
        for model, owner in owners:
            if not any(finds(index, model, owner) for index in indexes_of(catalog, model)):
                yield slow(entry, model, owner, catalog)


def slow(entry: DataType, model: type[Model], owner: Owner, catalog: Catalog) -> CheckMessage:
    table, what = catalog.table(model), plain(expression_of(model, owner))
    method, expression = index_for(model, owner)
    # PostgreSQL cannot create an index of a partitioned table concurrently.
    concurrently = "" if table.kind == "p" else "CONCURRENTLY "
    return Warning(
        f"{entry.name}: no index finds rows by {what}, so every transfer reads the whole table {table}.",
        hint=f"CREATE INDEX {concurrently}ON {table.quoted} {method}({expression});",
        id="transfers.W101",
    )


def finds(index: Index, model: type[Model], owner: Owner) -> bool:
    """Return whether PostgreSQL can use the index to find the rows that hold a user in this owner."""
    column, before = column_of(model, owner.field), beside(model, owner)
    has_all = index.predicate in ("", f"({identifier(column)} IS NOT NULL)", f"({column} IS NOT NULL)")
    kinds = {owner.kind} if isinstance(owner, Polymorphic) else set()
    if not (has_all or (before and asks_for_kind(index.predicate, before, kinds))):
        return False
    if type(owner) in GIN:
        return index.method == "gin" and leads(index, expression_of(model, owner))
    return index.method in ("btree", "hash") and (
        index.names[0] == column or (before is not None and index.names[:2] == (before, column))
    )


def leads(index: Index, expression: str) -> bool:
    """Return whether the expression is a part of the GIN index. All parts of one are equal, whatever their order."""
    return any(plain(part) == plain(expression) for part in index.expressions)


def beside(model: type[Model], owner: Owner) -> str | None:
    """Return the column that every statement compares with the owner's, the kind or the tenant."""
    match owner:
        case Polymorphic(kind_field=name) if name:
            return column_of(model, name)
        case Column(holds=holds, tenant=str(name)) if holds != "id":
            return column_of(model, name)
    return None


def expression_of(model: type[Model], owner: Owner) -> str:
    """Return the expression of an index that can find the owner, as PostgreSQL prints it."""
    expression = column_of(model, owner.field)
    for step in owner.path if isinstance(owner, JsonPath) else ():
        expression = f"({expression} -> {literal(step)}::text)"
    return expression


def plain(expression: str) -> str:
    """Strip the quotes, and the one or two pairs of parentheses that PostgreSQL prints around an index expression."""
    expression = expression.replace('"', "")
    while expression.startswith("(") and expression.endswith(")"):
        expression = expression[1:-1]
    return expression


def index_for(model: type[Model], owner: Owner) -> tuple[str, str]:
    """Return the USING clause and the expression of an index that finds the owner."""
    column = identifier(column_of(model, owner.field))
    match owner:
        case JsonPath(path=path) if path:
            steps = "".join(f" -> {literal(step)}" for step in path)
            return "USING gin ", f"({column}{steps}) jsonb_path_ops"
        case JsonPath():
            return "USING gin ", f"{column} jsonb_path_ops"
        case ArrayColumn():
            return "USING gin ", column
        case Polymorphic(kind_field=kind) if kind:
            return "", f"{column}, {identifier(column_of(model, kind))}"
    return "", column


def literal(text: str) -> str:
    return sql.Literal(text).as_string(None)
