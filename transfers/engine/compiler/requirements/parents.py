"""Requirements of the columns that child rows reference: each child has one parent, before and after a transfer."""

from collections.abc import Collection, Iterable

from transfers.engine.catalog.tables import Table
from transfers.engine.compiler.children import Branch, referenced_column
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.compiler.requirements.parts_of_keys import in_quotes, parts_of
from transfers.rules import DataType


def parents_stay_parents(data_type: DataType, branches: Iterable[Branch], changed: Collection[str]) -> None:
    """Raise `CannotCompile` for a foreign key to a column that does not lead to one parent, before and afterwards.

    changed: the columns of the parent that a transfer may change, from which the referenced one may be generated.
    """
    for branch in branches:
        column, parent = referenced_column(branch.child), branch.tables[branch.parent]
        what = f"rows of {branch.table.name} reference {column} of {branch.parent}, which"
        if not identifies(column, parent):
            columns = ", ".join(map(in_quotes, (column, *sorted(parent.partitioned_by - {column}))))
            raise CannotCompile(
                data_type,
                f"{what} no unique key has alone: rows of other users would count as children too.",
                f"CREATE UNIQUE INDEX ON {parent.regclass} ({columns}); or reference the primary key.",
            )
        if not {column, *parent.sources.get(column, ())}.isdisjoint(changed):
            raise CannotCompile(
                data_type,
                f"{what} a transfer changes, so they would lose their parent.",
                "Reference the primary key, or declare the column in those rows as an owner of a data type.",
            )
        parents_stay_parents(data_type, branch.below, {column_of(branch.child.model, branch.child.field)})


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


def kept_rows_can_be_referenced(data_type: DataType, branches: Iterable[Branch]) -> None:
    """Raise `CannotCompile` for a foreign key to a column in which the row that is kept may have no value.

    A child that is re-pointed to such a row would lose its parent.
    """
    for branch in branches:
        child, column = branch.child, referenced_column(branch.child)
        if child.detached or child.goes_with_parent:
            continue
        if column not in branch.tables[branch.parent].filled:
            raise CannotCompile(
                data_type,
                f"rows of {branch.table.name} are re-pointed to the row that is kept, but {column} of {branch.parent},"
                " which they reference, may be empty in it.",
                f'Let the rows go with their parent: Child({child.model.__name__}, "{child.field}",'
                f" goes_with_parent=True). Or let {column} be NOT NULL, and validate that.",
            )
        kept_rows_can_be_referenced(data_type, branch.below)
