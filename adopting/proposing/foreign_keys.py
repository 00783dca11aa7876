"""Which columns become foreign keys of the models."""

from adopting.catalog.tables import Database, Table

Columns = dict[tuple[int, str], tuple[int, str]]


def foreign_keys(database: Database, holders: set[tuple[int, str]]) -> Columns:
    """Return (table, column) → (table, column) for every foreign key that a model can have.

    A foreign key to a person is a plain column, which holds the ID of one. Django's foreign keys reference one column,
    which must be unique: of a composite key, the one that identifies the row.
    """
    return {
        (table.oid, column): target
        for table in database.tables.values()
        for column, target in of_table(table, database, holders).items()
    }


def of_table(table: Table, database: Database, holders: set[tuple[int, str]]) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for reference in sorted(table.references, key=lambda reference: len(reference.columns)):
        target = database.whole(reference.referenced)
        for column, referenced in zip(reference.columns, reference.referenced_columns, strict=True):
            is_unique = target in database.tables and database.tables[target].is_unique(referenced)
            if is_unique and column not in found and (target, referenced) not in holders:
                found[column] = (target, referenced)
                break
    return found
