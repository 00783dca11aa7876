"""Check what a transfer writes into rows that it keeps: references and primary keys that only the database knows."""

from collections.abc import Iterable, Iterator, Sequence

from django.core.checks import CheckMessage, Error

from accounts.models import User
from transfers.checks.catalog.tables import Catalog
from transfers.checks.introspection import models_of
from transfers.checks.tables.keys import can_lose_rows, columns_of_kept_rows
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.requirements.columns import policy_fields, referenced_table
from transfers.rules import DataType, all_children


def written_references(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each column that a policy writes and that references users or rows of the same type.

    `policies_change_no_reference` finds those that the model declares, and says why they cannot be written.
    """
    people = {catalog.oid(User), catalog.people}
    for entry in entries:
        of_type = {part for model in models_of(entry) for part in catalog.whole(catalog.table(model).oid)}
        parts = catalog.whole(catalog.table(entry.model).oid)
        declared = {User._meta.db_table, *(model._meta.db_table for model in models_of(entry))}
        for field in policy_fields(entry):
            column = column_of(entry.model, field)
            for found in catalog.references:
                if (
                    found.oid in parts
                    and any(catalog.depends(found.oid, one, column) for one in found.columns)
                    and found.referenced in people | of_type
                    and referenced_table(entry.model, field) not in declared
                ):
                    yield Error(
                        f"{entry.name}: {column} references another row by the foreign key {found.name} of"
                        f" {found.table}, so no policy can give it the value of another row.",
                        hint=f"Remove {field} from the columns of the policy: the row that is kept then keeps its own.",
                        id="transfers.E104",
                    )


def detached_with_changing_key(entries: Sequence[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for rows to detach whose primary key a transfer may change in another step.

    The journal has the key that the row has when it is detached, by which an undo looks for it.
    """
    changed = [column for entry in entries for column in columns_of_kept_rows(entry, catalog)]
    for entry in entries:
        if not can_lose_rows(entry, catalog):
            continue
        for child in (child for child in all_children(entry.children) if child.detached):
            table, own = catalog.table(child.model), column_of(child.model, child.field)
            key = next((index.columns for index in catalog.indexes_of(table.oid) if index.is_primary), ())
            of_table = {
                column
                for model, column in changed
                if column != own and catalog.table(model).oid in catalog.whole(table.oid)
            }
            if found := sorted(of_table.intersection(key)):
                yield Error(
                    f"{entry.name} detaches rows of {table} ({own}), and a transfer may also change {found[0]}, which"
                    " is in their primary key, so an undo could not find them.",
                    hint="Give the table a primary key of its own, such as an identity column, and keep this one as"
                    " UNIQUE. Or remove detached=True.",
                    id="transfers.E104",
                )
