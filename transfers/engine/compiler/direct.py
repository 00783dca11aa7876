"""Steps of the types whose rows cannot conflict: direct types and profiles."""

from psycopg import sql

from transfers.engine.compiler import folds
from transfers.engine.compiler.children import overwritten_children
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.steps import Step, comma, step
from transfers.engine.compiler.subject import Subject
from transfers.rules import Profile


def direct(subject: Subject) -> tuple[list[Step], list[Step]]:
    """Return the steps of the preview and the steps of the run."""
    names, children = subject.names, subject.data_type.children
    overwrites = subject.data_type.overwrites
    predict = [step("direct_preview", overwrites=sql.Literal(overwrites), **names)]
    run = [step("move", **names)]
    if overwrites:
        predict += overwritten_children(children, names, "replace_children_preview")
        run = [*overwritten_children(children, names, "replace_children"), step("replace", **names), *run]
    return predict, run


def profile(subject: Subject, rule: Profile) -> tuple[list[Step], list[Step]]:
    """Return the steps of the preview and the steps of the run."""
    columns = [(column_of(subject.data_type.model, name), fold) for name, fold in rule.columns.items()]
    values = [
        (sql.Identifier(column), folds.value(fold, column, subject.table.columns[column]))
        for column, fold in columns
    ]
    names = subject.names | {
        "source_row": subject.owners[0].holds("source", "f"),
        "assignments": comma(sql.SQL("{} = {}").format(name, value) for name, value in values),
        "changes": sql.SQL(" OR ").join(
            sql.SQL("r.{} IS DISTINCT FROM {}").format(name, value) for name, value in values
        ),
    }
    return [step("profile_preview", **names)], [step("profile", **names)]
