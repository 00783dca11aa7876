"""Requirements of the columns that child rows reference: each child has one parent, before and after a transfer."""

from collections.abc import Collection, Iterable

from transfers.engine.catalog.names import without_modifier
from transfers.engine.catalog.tables import Key, Table
from transfers.engine.compiler.children import Branch, referenced_column
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.compiler.requirements.columns import kept_children
from transfers.engine.compiler.requirements.parts_of_keys import in_quotes, parts_of
from transfers.rules import DataType


def parents_stay_parents(data_type: DataType, branches: Iterable[Branch], changed: Collection[str]) -> None:
    """Raise `CannotCompile` for a foreign key to a column that does not lead to one parent, before and afterwards.

    changed: the columns of the parent that a transfer may change, from which a referenced one may be generated.
    """
    for branch in branches:
        column, parent = referenced_column(branch.child), branch.tables[branch.parent]
        if len(branch.pairs) == 1 and not identifies(column, parent):
            columns = ", ".join(map(in_quotes, (column, *sorted(parent.partitioned_by - {column}))))
            raise CannotCompile(
                data_type,
                f"rows of {branch.table.name} reference {column} of {branch.parent}, which no unique key has alone:"
                " rows of other users would count as children too.",
                f"CREATE UNIQUE INDEX ON {parent.regclass} ({columns}); or reference the primary key.",
            )
        for _, one in branch.pairs:
            if not {one, *parent.sources.get(one, ())}.isdisjoint(changed):
                raise CannotCompile(
                    data_type,
                    f"rows of {branch.table.name} reference {one} of {branch.parent}, which a transfer changes, so they"
                    " would lose their parent.",
                    "Reference the primary key alone, or remove the Child and declare the column in those rows as an"
                    " owner of a data type.",
                )
        is_written = branch.child in kept_children(data_type)
        below = {column_of(branch.child.model, branch.child.field)} if is_written else set()
        parents_stay_parents(data_type, branch.below, below)


# Of these types, values that are equal as one are equal as another.
ALIKE = ({"smallint", "integer", "bigint", "numeric"}, {"text", "character varying"})


def children_are_compared_alike(data_type: DataType, branches: Iterable[Branch]) -> None:
    """Raise `CannotCompile` for a foreign key between types or collations that a statement compares otherwise.

    A foreign key has its own operators: it ignores the blanks at the end of a text that references `character(n)`, and
    compares a `timestamp` in the time zone of the session.
    """
    for branch in branches:
        table, parent = branch.table, branch.tables[branch.parent]
        for column, referenced in branch.pairs:
            types = {
                without_modifier(table.base_types[column]),
                without_modifier(parent.base_types[referenced]),
            }
            is_alike = len(types) == 1 or any(types <= alike for alike in ALIKE)
            if not is_alike or table.collations[column] != parent.collations[referenced]:
                raise CannotCompile(
                    data_type,
                    f"{column} of {table.name} references {referenced} of {branch.parent}, but is of another type or"
                    f" collation ({table.described(column)} and"
                    f" {parent.described(referenced)}), so they would be compared otherwise.",
                    f"Change it: ALTER TABLE {table.regclass} ALTER {in_quotes(column)} TYPE"
                    f" {parent.described(referenced)};",
                )
        children_are_compared_alike(data_type, branch.below)


def identifies(column: str, table: Table) -> bool:
    """Return whether no two rows have the same value, as far as a key of a partitioned table can say (`W108`)."""
    of_parts = table.partitioned_by - {column}
    keys = (
        key
        for key in table.keys
        if key.predicate == "true"
        and not key.operators
        and key.is_usual
        and not (any(key.collations) and column in table.nondeterministic)
    )
    return any(parts_of(key) - of_parts == {column} for key in keys)


def kept_rows_can_be_referenced(
    data_type: DataType, branches: Iterable[Branch], keys: Collection[Key]
) -> None:
    """Raise `CannotCompile` for a foreign key to columns whose values may be missing or others in the row that is kept.

    A child that is re-pointed gets the number of that row, and would lose its parent. keys: those by which two rows of
    the parent conflict, so that one of them is kept.
    """
    for branch in branches:
        child, column, parent = branch.child, referenced_column(branch.child), branch.tables[branch.parent]
        if child.detached or child.goes_with_parent:
            continue
        what = f"rows of {branch.table.name} are re-pointed to the row that is kept, but"
        declaration = f'Child({child.model.__name__}, "{child.field}", goes_with_parent=True)'
        go = f"Let the rows go with their parent: {declaration}."
        if column not in parent.filled:
            raise CannotCompile(
                data_type,
                f"{what} {column} of {branch.parent}, which they reference, may be empty in it.",
                f"{go} Or let {column} be NOT NULL, and validate that.",
            )
        beside = sorted({referenced for _, referenced in branch.pairs} - {column})
        differ = [one for one in beside if not all(agree_in(one, key) for key in keys)]
        if differ and not identifies(column, parent):
            raise CannotCompile(
                data_type,
                f"{what} {differ[0]} of {branch.parent}, which they reference too, may have another value in it.",
                go,
            )
        keys_below = branch.table.keys_with([column_of(child.model, child.field)])
        kept_rows_can_be_referenced(data_type, branch.below, keys_below)


def agree_in(column: str, key: Key) -> bool:
    """Return whether rows that conflict in the key have the same value in the column."""
    return column in parts_of(key) and not key.operators
