"""Steps for rows that stay although a row that they reference is deleted: their foreign key is set to NULL.

They are noted in the work table with the outcome "detached", under a type of their own for each foreign key.
"""

from collections.abc import Iterable, Iterator, Mapping

from psycopg import sql

from transfers.engine.catalog.tables import Table
from transfers.engine.compiler import journal
from transfers.engine.compiler.children import Branch
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.compiler.steps import Step, comma, fill, step
from transfers.engine.compiler.subject import Subject
from transfers.registry import data_types
from transfers.rules import DataType, all_children


def note_detached(subject: Subject, lock: sql.SQL) -> Iterator[Step]:
    """Yield the steps that note the rows to detach. All rows to delete have been noted, because they are left out."""
    for branch in detached(subject.branches):
        stays = fill("parts/stays", types=types_in_table(subject, branch.table))
        yield step(
            "children_lost", is_lost=stays, outcome=sql.Literal("detached"), lock=lock, **branch.step_names
        )


def detach(subject: Subject) -> Iterator[Step]:
    for branch in detached(subject.branches):
        names, column = branch.step_names, column_of(branch.child.model, branch.child.field)
        values = {column: sql.Composed([sql.SQL("NULL")])}
        parts = journal.changed(branch.table, names, "detached", values, owners_in(branch.table))
        yield step("detach", types=types_in_table(subject, branch.table), **names | parts)


def owners_in(table: Table) -> Iterator[str]:
    """Yield the columns with the users of a table's rows, if they are records of a data type, too."""
    for entry in data_types():
        if entry.model._meta.db_table == table.name:
            yield from (column_of(entry.model, owner.field) for owner in entry.owners)


def detached(branches: Iterable[Branch]) -> Iterator[Branch]:
    return (branch for branch in with_branches_below(branches) if branch.child.detached)


def types_in_table(subject: Subject, of: Table) -> sql.Composed:
    """Return the types under which the work table may note rows of this table.

    It notes them with their partition, which may be a part of both.
    """
    noted = [(subject.table, subject.data_type.key)]
    noted += [(one.table, one.child_type) for one in with_branches_below(subject.branches)]
    return comma(sql.Literal(name) for table, name in noted if table.root == of.root)


def with_branches_below(branches: Iterable[Branch]) -> Iterator[Branch]:
    for branch in branches:
        yield branch
        yield from with_branches_below(branch.below)


def children_can_be_detached(data_type: DataType, tables: Mapping[str, Table]) -> None:
    """Raise `CannotCompile` for a detached child whose foreign key must not be NULL, or with rows that go with it."""
    for child in all_children(data_type.children):
        if not child.detached:
            continue
        table, column = tables[child.model._meta.db_table], column_of(child.model, child.field)
        if column in table.required:
            raise CannotCompile(
                data_type,
                f"rows of {table.name} are to be detached, but {column} is NOT NULL.",
                "Remove detached=True: the rows are then discarded or re-pointed. Or let the column be empty.",
            )
        if child.goes_with_parent or child.children:
            raise CannotCompile(
                data_type,
                f"rows of {table.name} stay if they are detached, so they cannot go with their parent, and no row goes"
                " with them.",
                "Declare detached=True alone: without goes_with_parent and children.",
            )
