"""What the start-up checks find too, but may be added later: what hides rows, or changes rows that are not declared."""

from collections.abc import Collection, Sequence

from django.conf import settings

from transfers.engine.catalog.policies import see_all
from transfers.engine.catalog.tables import Table
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.compiler.requirements.columns import written_columns
from transfers.rules import DataType


def nothing_interferes(data_type: DataType, tables: Sequence[Table], lost: Collection[str]) -> None:
    """Raise `CannotCompile` for a policy that hides rows, and for foreign keys by which other rows would be changed.

    lost: the names of the tables of which rows may be deleted.
    """
    known = {table.regclass for table in tables}
    for table in tables:
        if table.hides_rows and not settings.AS_TABLE_OWNER:
            raise CannotCompile(
                data_type,
                f"row-level security may hide rows of {table.regclass} from the role of this program.",
                f"As the owner of the table: {see_all(table.regclass)} manage.py check --database default also names"
                " policies that restrict it nevertheless.",
            )
        for reference in table.changing_references if table.name in lost else ():
            if reference not in known:
                raise CannotCompile(
                    data_type,
                    f"if rows of {table.regclass} are deleted, a foreign key changes rows of {reference}.",
                    "Declare the table as a Child, or make its foreign key ON DELETE NO ACTION.",
                )
    for column in sorted(written_columns(data_type) & tables[0].followed):
        raise CannotCompile(
            data_type,
            f"if {column} is changed, a foreign key ON UPDATE changes rows of another table.",
            "Let the foreign key reference the primary key, or make it ON UPDATE NO ACTION.",
        )


def children_are_reached_once(data_type: DataType, tables: Sequence[str]) -> None:
    """Raise `CannotCompile` if child rows could be found, and counted, in two ways."""
    for name in tables:
        if tables.count(name) > 1:
            raise CannotCompile(
                data_type,
                f"rows of {name} are children in two ways, so they would be counted twice.",
                "If the columns may be empty, let the rows stay: detached=True in each Child. Otherwise choose a rule"
                " that deletes no row: Combine(on_clash=Rename(…)).",
            )
