"""Steps of the types whose rows cannot conflict: direct types and profiles."""

from collections.abc import Iterator

from psycopg import sql

from transfers.engine.compiler import folds, journal
from transfers.engine.compiler.children import overwritten_children, tree_names
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.steps import Step, step
from transfers.engine.compiler.subject import Subject
from transfers.engine.compiler.totals import Totals, profile_totals
from transfers.rules import FillBlank, Profile

# Children of the rows to replace, counted before any is deleted. Used only for verification.
EXPECTED_CHILDREN = "expected children"


def direct(subject: Subject) -> tuple[list[Step], list[Step]]:
    """Return the steps of the preview and the steps of the run.

    The preview needs steps only to count the children: the other outcomes follow from the numbers of rows
    (`prediction.add_direct_outcomes`).
    """
    names, data_type = subject.names, subject.data_type
    if not data_type.overwrites:
        return [], [move(subject)]
    children = overwritten_children(subject.table, data_type.children, names, subject.tables)
    table_names = names | journal.deleted(subject.table, names, names["type"], "replaced")
    return list(count_children(subject, "children", "replaced_children")), [
        *count_children(subject, EXPECTED_CHILDREN),
        *children,
        step("replace", **table_names),
        move(subject),
    ]


def count_children(subject: Subject, *counted_as: str) -> Iterator[Step]:
    names = subject.names | {"counted_as": journal.texts(counted_as)}
    for child in tree_names(subject.table, subject.data_type.children, subject.tables):
        yield step("count_replaced_children", **names, **child)


def move(subject: Subject) -> Step:
    """Return the step that moves the rows. If more than the owner may change, the journal keeps those columns too."""
    owner, names = subject.owners[0], subject.names
    if subject.only_moves:
        return step("move", **names | journal.moved(subject.table, names, owner.column))
    parts = journal.changed(subject.table, names, "changed", {owner.column: owner.user("target")})
    return step("move_watched", **names | parts)


def profile(subject: Subject, rule: Profile) -> tuple[list[Step], list[Step], Totals]:
    """Return the steps of the preview, the steps of the run, and the totals."""
    columns = [(column_of(subject.data_type.model, name), fold) for name, fold in rule.columns.items()]
    values = {column: folds.value(fold, column, subject.table) for column, fold in columns}
    changes = sql.SQL(" OR ").join(
        # A value that fills a blank is compared as text: some types, such as json, have no other equality.
        sql.SQL("r.{0}{2} IS DISTINCT FROM ({1}){2}").format(
            sql.Identifier(column), values[column], sql.SQL("::text" if isinstance(fold, FillBlank) else "")
        )
        for column, fold in columns
    )
    names = subject.names | {"source_row": subject.owners[0].holds("source", "f"), "changes": changes}
    written = journal.changed(subject.table, names, "folded", values, subject.owner_columns)
    steps = [step("profile_preview", **names)], [step("profile", **names | written)]
    return *steps, profile_totals(subject, changes)
