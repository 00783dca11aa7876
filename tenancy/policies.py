"""The row-level security policy of each table.

Every app declares each of its models once, with `protect(Model, …)` or `exempt(Model, because=…)`, and a test checks
that none is forgotten. The policies are created after each `migrate` (`tenancy.database_roles`), and a system check
compares them with the database whenever a worker starts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db.models import ForeignKey, Model
from psycopg import sql

Key: TypeAlias = "ForeignKey[Any, Any]"

POLICY = "tenant_isolation"
INSERT_POLICY = "tenant_isolation_insert"
ALL_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
READ_ONLY = ("SELECT",)
# The table with the fingerprints of applied migrations. `migrate` creates it itself, before all other tables.
FINGERPRINTS = "operations_fingerprint"

# These are subqueries, because PostgreSQL evaluates an uncorrelated SELECT once per statement instead of once per row.
EVERY_TENANT = sql.SQL("(SELECT current_setting('transfers.tenant', true) = '*')")
THE_TENANT = sql.SQL("(SELECT nullif(nullif(current_setting('transfers.tenant', true), ''), '*')::bigint)")


@dataclass(frozen=True)
class ProtectedTable:
    """A table with a policy.

    `tenant` is the column with the tenant's id. If the table has no such column, each row belongs to the tenant of the
    row that its foreign key `through` references. `rights` are the rights of the application's role.

    Referenced rows must belong to the same tenant. For the foreign keys in `once` this is checked only on INSERT.
    """

    model: type[Model]
    tenant: str
    through: str
    once: Sequence[str]
    rights: Sequence[str]

    @property
    def table(self) -> str:
        return self.model._meta.db_table


_protected: dict[type[Model], ProtectedTable] = {}
_exempt: dict[type[Model], str] = {}
# The application's rights on tables without a policy. It has all rights on tables that are not listed.
_rights: dict[str, Sequence[str]] = {"django_migrations": READ_ONLY, FINGERPRINTS: READ_ONLY}


def protect(
    model: type[Model],
    *,
    tenant: str = "",
    through: str = "",
    once: Sequence[str] = (),
    rights: Sequence[str] = ALL_RIGHTS,
) -> None:
    _protected[model] = ProtectedTable(model, tenant, through, once, rights)


def exempt(model: type[Model], *, because: str, rights: Sequence[str] = ALL_RIGHTS) -> None:
    """Declare that the table has no policy, and why. A test checks that a reason is given."""
    _exempt[model] = because
    _rights[model._meta.db_table] = rights


def protected_tables() -> list[ProtectedTable]:
    return list(_protected.values())


def exempt_models() -> dict[type[Model], str]:
    return dict(_exempt)


def rights_on(table: str) -> Sequence[str]:
    """Return the application's rights on a table, with or without a policy."""
    declared = (entry.rights for entry in _protected.values() if entry.table == table)
    return next(declared, _rights.get(table, ALL_RIGHTS))


# --- The SQL --------------------------------------------------------------------------------------------------------


def visible(entry: ProtectedTable) -> sql.Composed:
    """Return the USING condition: the rows that the application can see."""
    own = belongs(entry) if entry.tenant else references_visible_row(entry, key_named(entry, entry.through))
    return sql.SQL("{} OR {}").format(EVERY_TENANT, own)


def writable(entry: ProtectedTable) -> sql.Composed:
    """Return the WITH CHECK condition: the rows that the application can write.

    The rows they reference must be visible too, so that no foreign key connects two tenants.
    """
    keys = [key for key in keys_to_protected_tables(entry) if key.name not in entry.once]
    return all_tenants_or(
        [*([belongs(entry)] if entry.tenant else []), *(references_visible_row(entry, key) for key in keys)]
    )


def all_tenants_or(conditions: Iterable[sql.Composed]) -> sql.Composed:
    """Return a condition that is true if all tenants are visible or if all `conditions` are true."""
    return sql.SQL("{} OR ({})").format(EVERY_TENANT, sql.SQL(" AND ").join(conditions))


def belongs(entry: ProtectedTable) -> sql.Composed:
    return sql.SQL("{} = {}").format(sql.Identifier(entry.tenant), THE_TENANT)


def key_named(entry: ProtectedTable, name: str) -> Key:
    return next(key for key in foreign_keys(entry) if key.name == name)


def keys_to_protected_tables(entry: ProtectedTable) -> Iterator[Key]:
    """Yield the foreign keys to other tables with a policy, except the key to the tenant.

    A policy cannot read its own table (PostgreSQL reports infinite recursion), so a key to it is not checked.
    """
    for key in foreign_keys(entry):
        parent = key.remote_field.model
        if parent in _protected and parent is not entry.model and key.column != entry.tenant:
            yield key


def foreign_keys(entry: ProtectedTable) -> Iterator[Key]:
    return (field for field in entry.model._meta.concrete_fields if isinstance(field, ForeignKey))


def references_visible_row(entry: ProtectedTable, key: Key) -> sql.Composed:
    """Return a condition that is true if the referenced row is visible under the policy of its own table."""
    column, parent = sql.Identifier(entry.table, str(key.column)), key.remote_field.model._meta
    found = sql.SQL("EXISTS (SELECT FROM {parent} WHERE {parent}.{id} = {column})").format(
        parent=sql.Identifier(parent.db_table), id=sql.Identifier(str(parent.pk.column)), column=column
    )
    return sql.SQL("({} IS NULL OR {})").format(column, found) if key.null else found


def statements(entry: ProtectedTable) -> list[sql.Composed]:
    """Return the statements that create the policies of a table and replace earlier ones."""
    table, name, added = sql.Identifier(entry.table), sql.Identifier(POLICY), sql.Identifier(INSERT_POLICY)
    made = [
        sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(table),
        sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(added, table),
        sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(name, table),
        sql.SQL("CREATE POLICY {} ON {} USING ({}) WITH CHECK ({})").format(
            name, table, visible(entry), writable(entry)
        ),
    ]
    if entry.once:
        check = all_tenants_or(references_visible_row(entry, key_named(entry, key)) for key in entry.once)
        new = sql.SQL("CREATE POLICY {} ON {} AS RESTRICTIVE FOR INSERT WITH CHECK ({})")
        made.append(new.format(added, table, check))
    return made
