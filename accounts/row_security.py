"""Which tables stand behind the second wall, and what the database is told about each of them.

Every model of the product is declared once, in its app: `stands_behind(Model, …)` or `stands_before(Model, because=…)`.
Policies are put in place after each `migrate` (`accounts.database_roles`) and looked at by a system check at each
start, so that a further table cannot be forgotten.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db.models import ForeignKey, Model
from psycopg import sql

Key: TypeAlias = "ForeignKey[Any, Any]"

POLICY = "tenant_wall"
POLICY_FOR_NEW = "tenant_wall_new"
ALL_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
READ_ONLY = ("SELECT",)
# Which content each applied migration had. `migrate` makes the table itself, because it comes before all others.
FINGERPRINTS = "operations_fingerprint"

# Each is asked once a statement and not once a row: PostgreSQL takes a SELECT without a row in it out of the loop.
EVERY_TENANT = sql.SQL("(SELECT current_setting('transfers.tenant', true) = '*')")
THE_TENANT = sql.SQL("(SELECT nullif(nullif(current_setting('transfers.tenant', true), ''), '*')::bigint)")


@dataclass(frozen=True)
class Behind:
    """A table behind the wall. `tenant` is the column that holds the tenant's id; a table without one is where the
    row of the foreign key `through` is. `rights` are those of the application's role.

    Rows that a foreign key names are of the same tenant; of those in `once` that is asked when the row is added, and
    not when it is changed.
    """

    model: type[Model]
    tenant: str
    through: str
    once: Sequence[str]
    rights: Sequence[str]

    @property
    def table(self) -> str:
        return self.model._meta.db_table


_behind: dict[type[Model], Behind] = {}
_before: dict[type[Model], str] = {}
# Of tables that are not behind the wall: what the application may do, where that is not everything.
_rights: dict[str, Sequence[str]] = {"django_migrations": READ_ONLY, FINGERPRINTS: READ_ONLY}


def stands_behind(
    model: type[Model],
    *,
    tenant: str = "",
    through: str = "",
    once: Sequence[str] = (),
    rights: Sequence[str] = ALL_RIGHTS,
) -> None:
    _behind[model] = Behind(model, tenant, through, once, rights)


def stands_before(model: type[Model], *, because: str, rights: Sequence[str] = ALL_RIGHTS) -> None:
    """Not behind the wall, for a reason; the tests list them."""
    _before[model] = because
    _rights[model._meta.db_table] = rights


def behind() -> list[Behind]:
    return list(_behind.values())


def before() -> dict[type[Model], str]:
    return dict(_before)


def rights_on(table: str) -> Sequence[str]:
    """What the application may do with a table, behind the wall or not."""
    of_wall = (entry.rights for entry in _behind.values() if entry.table == table)
    return next(of_wall, _rights.get(table, ALL_RIGHTS))


# --- In SQL --------------------------------------------------------------------------------------------------------


def visible(entry: Behind) -> sql.Composed:
    """USING: the rows that are there."""
    own = belongs(entry) if entry.tenant else same_side(entry, key_named(entry, entry.through))
    return sql.SQL("{} OR {}").format(EVERY_TENANT, own)


def writable(entry: Behind) -> sql.Composed:
    """WITH CHECK: what a row may say. What it points to has to be visible too, so that nothing joins two tenants."""
    keys = [key for key in keys_behind(entry) if key.name not in entry.once]
    return either([*([belongs(entry)] if entry.tenant else []), *(same_side(entry, key) for key in keys)])


def either(conditions: Iterable[sql.Composed]) -> sql.Composed:
    """Every tenant is shown, or all of this is so."""
    return sql.SQL("{} OR ({})").format(EVERY_TENANT, sql.SQL(" AND ").join(conditions))


def belongs(entry: Behind) -> sql.Composed:
    return sql.SQL("{} = {}").format(sql.Identifier(entry.tenant), THE_TENANT)


def key_named(entry: Behind, name: str) -> Key:
    return next(key for key in foreign_keys(entry) if key.name == name)


def keys_behind(entry: Behind) -> Iterator[Key]:
    """The foreign keys to tables behind the wall, but for the tenant itself."""
    for key in foreign_keys(entry):
        if key.remote_field.model in _behind and key.column != entry.tenant:
            yield key


def foreign_keys(entry: Behind) -> Iterator[Key]:
    return (field for field in entry.model._meta.concrete_fields if isinstance(field, ForeignKey))


def same_side(entry: Behind, key: Key) -> sql.Composed:
    """The row that a foreign key names is visible; the policy of its own table sees to that."""
    column, parent = sql.Identifier(entry.table, str(key.column)), key.remote_field.model._meta
    found = sql.SQL("EXISTS (SELECT FROM {parent} WHERE {parent}.{id} = {column})").format(
        parent=sql.Identifier(parent.db_table), id=sql.Identifier(str(parent.pk.column)), column=column
    )
    return sql.SQL("({} IS NULL OR {})").format(column, found) if key.null else found


def statements(entry: Behind) -> list[sql.Composed]:
    """What puts the policies of a table in place, in the place of earlier ones."""
    table, name, added = sql.Identifier(entry.table), sql.Identifier(POLICY), sql.Identifier(POLICY_FOR_NEW)
    made = [
        sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(table),
        sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(added, table),
        sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(name, table),
        sql.SQL("CREATE POLICY {} ON {} USING ({}) WITH CHECK ({})").format(
            name, table, visible(entry), writable(entry)
        ),
    ]
    if entry.once:
        asked = either(same_side(entry, key_named(entry, key)) for key in entry.once)
        new = sql.SQL("CREATE POLICY {} ON {} AS RESTRICTIVE FOR INSERT WITH CHECK ({})")
        made.append(new.format(added, table, asked))
    return made
