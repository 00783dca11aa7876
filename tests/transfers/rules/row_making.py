"""Rows made by SQL for any table: every column that needs a value gets one, and foreign keys get rows to reference.

Models say little of tables of other systems: they may lack columns, keys and foreign keys. So these are read from the
database; the fields of a model only choose better values. Where a check constraint allows none of them, the app names a
value in its `examples.py`.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from itertools import count
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import DatabaseError, connection, models
from django.utils.module_loading import module_has_submodule
from psycopg import sql

from accounts.models import User
from tenancy.models import Tenant
from tests.fixtures.roles import as_owner
from transfers.engine.catalog.names import parts_of, quoted

Row = dict[str, Any]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

COLUMNS = """
SELECT a.attname, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL),
    a.attnotnull OR t.typnotnull, a.atthasdef OR a.attidentity <> '', greatest(a.atttypmod - 4, t.typtypmod - 4, 0),
    ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder)
FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
FOREIGN_KEYS = """
SELECT ARRAY(SELECT attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c (n, place)
        JOIN pg_attribute ON attrelid = k.conrelid AND attnum = n ORDER BY place),
    (SELECT '"' || s.nspname || '"."' || r.relname || '"' FROM pg_class AS r
        JOIN pg_namespace AS s ON s.oid = r.relnamespace WHERE r.oid = k.confrelid),
    ARRAY(SELECT attname::text FROM unnest(k.confkey) WITH ORDINALITY AS c (n, place)
        JOIN pg_attribute ON attrelid = k.confrelid AND attnum = n ORDER BY place)
FROM pg_constraint AS k WHERE k.contype = 'f' AND k.conrelid = to_regclass(%s) AND k.conparentid = 0
"""
UNIQUE_KEYS = """
SELECT ARRAY(SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND (
    a.attnum = ANY (i.indkey) OR EXISTS (
        SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
            AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)))
FROM pg_index AS i WHERE i.indrelid = to_regclass(%s) AND i.indisunique
"""
INSERT = """
INSERT INTO {table} AS made ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s)
RETURNING to_jsonb(made)::text
"""
INSERT_DEFAULTS = "INSERT INTO {table} AS made DEFAULT VALUES RETURNING to_jsonb(made)::text"

# The first class that the field is an instance of is used. `size` grows from field to field of a row, which puts each
# start before its end.
VALUES: dict[type, Any] = {
    models.BooleanField: lambda number, size: number % 2 == 0,
    models.DateTimeField: lambda number, size: NOON + timedelta(days=number, hours=size),
    models.DateField: lambda number, size: NOON.date() + timedelta(days=number),
    models.TimeField: lambda number, size: (NOON + timedelta(minutes=size)).time(),
    models.DurationField: lambda number, size: timedelta(minutes=size),
    models.UUIDField: lambda number, size: uuid.UUID(int=number),
    models.JSONField: lambda number, size: {"number": number},
    models.GenericIPAddressField: lambda number, size: f"10.0.0.{number}",
    ArrayField: lambda number, size: [],
}
OF_TYPE: dict[str, type] = {
    "boolean": models.BooleanField,
    "timestamp with time zone": models.DateTimeField,
    "timestamp without time zone": models.DateTimeField,
    "date": models.DateField,
    "time without time zone": models.TimeField,
    "interval": models.DurationField,
    "uuid": models.UUIDField,
    "json": models.JSONField,
    "jsonb": models.JSONField,
    "inet": models.GenericIPAddressField,
}
NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
TEXTS = ("text", "character varying", "character", "citext")


class Col(NamedTuple):
    name: str
    sql_type: str
    not_null: bool
    is_made: bool
    length: int
    labels: list[str]


class Table:
    """What the database says of a table."""

    def __init__(self, db_table: str) -> None:
        self.name = db_table
        with connection.cursor() as cursor:
            self.columns = {row[0]: Col(*row) for row in self.read(cursor, COLUMNS)}
            self.foreign_keys = self.read(cursor, FOREIGN_KEYS)
            self.unique_keys = [set(names) for (names,) in self.read(cursor, UNIQUE_KEYS)]

    def read(self, cursor: Any, query: str) -> list[Any]:
        cursor.execute(query, [quoted(self.name)])
        return list(cursor.fetchall())

    def counted(self, given: Mapping[str, Any]) -> set[str]:
        """Return the columns that need a new value in each row, for keys that hold none of the given ones."""
        foreign = {name for names, _, _ in self.foreign_keys for name in names}
        found = set()
        for names in self.unique_keys:
            free = [
                column
                for column in self.columns.values()
                if column.name in names - foreign and not column.is_made and column.sql_type != "boolean"
            ]
            if free and not names & set(given):
                # A text may be limited to some choices.
                found.add(min(free, key=lambda column: column.sql_type in TEXTS).name)
        return found

    def insert(self, row: Row) -> Row:
        statement = sql.SQL(INSERT if row else INSERT_DEFAULTS).format(
            table=sql.Identifier(*parts_of(self.name)), columns=sql.SQL(", ").join(map(sql.Identifier, row))
        )
        with (
            as_owner(),
            connection.cursor() as cursor,
        ):  # the application need not insert into other systems' tables
            try:
                cursor.execute(statement.as_string(None), [json.dumps(row, default=str)] if row else [])
            except DatabaseError as error:
                pytest.fail(f"No row of {self.name} can be made: {error}\n{how_to_help(self.name, '…')}")
            return dict(json.loads(cursor.fetchone()[0]))


def name_of(db_table: str) -> str:
    """Return the name of a table, with its schema if that is not the usual one."""
    return ".".join(part for part in parts_of(db_table) if part != "public")


def how_to_help(table: str, column: str) -> str:
    return (
        "Give the value of such a column for each row number in the examples.py of your app:\n"
        f'    EXAMPLES = {{"{name_of(table)}.{column}": lambda number: …}}'
    )


@cache
def examples() -> Mapping[str, Callable[[int], Any]]:
    """Return the values that apps name for columns: "table.column", with the schema if `db_table` has one."""
    modules = (
        import_module(f"{app.name}.examples")
        for app in apps.get_app_configs()
        if app.module is not None and module_has_submodule(app.module, "examples")
    )
    return {name: value for module in modules for name, value in module.EXAMPLES.items()}


def value_of_field(field: Any, size: float, number: int) -> Any:
    if isinstance(field, models.BooleanField) and field.has_default():
        return field.get_default()
    if field.choices:
        return field.choices[number % len(field.choices)][0]
    if isinstance(field, models.CharField | models.TextField):
        return text(field.name, number, field.max_length or 0)
    return next((make(number, size) for kind, make in VALUES.items() if isinstance(field, kind)), number)


def value_of_type(table: str, column: Col, size: float, number: int) -> Any:
    if column.labels:
        return column.labels[number % len(column.labels)]
    if column.sql_type in NUMBERS:
        return number
    if column.sql_type in TEXTS:
        return text(column.name, number, column.length)
    if column.sql_type.endswith("[]"):
        return []
    if column.sql_type not in OF_TYPE:
        pytest.fail(f"{table}.{column.name} is {column.sql_type}. {how_to_help(table, column.name)}")
    return VALUES[OF_TYPE[column.sql_type]](number, size)


def text(name: str, number: int, length: int) -> str:
    whole = f"{name} {number}"
    return whole if not length or len(whole) <= length else str(number)[-length:]


class RowMaker:
    """Makes rows. The rows that foreign keys reference are made once per number and tenant."""

    def __init__(self, user_of: Callable[[int], int]) -> None:
        """user_of: return the ID of the user that rows of this tenant reference."""
        self.serial = count(1)
        self.tables: dict[str, Table] = {}
        self.known: dict[tuple[str, int, int], Row] = {}
        self.ids = {Tenant._meta.db_table: lambda tenant: tenant, User._meta.db_table: user_of}
        self.models = {name_of(model._meta.db_table): model for model in apps.get_models(True)}

    def table(self, db_table: str) -> Table:
        if db_table not in self.tables:
            self.tables[db_table] = Table(db_table)
        return self.tables[db_table]

    def row(self, db_table: str, number: int, tenant: int, given: Mapping[str, Any]) -> Row:
        table = self.table(db_table)
        values = dict(given)
        self.add_referenced(table, values, number, tenant)
        counted = table.counted(given)
        fields = self.fields(db_table)
        for place, column in enumerate(table.columns.values()):
            needs_value = (column.name in fields or column.not_null) and not column.is_made
            if column.name not in values and needs_value:
                n = next(self.serial) if column.name in counted else number
                field, size = fields.get(column.name), number + place / 10
                values[column.name] = self.value(table, column, field, size, n, tenant)
        return table.insert(values)

    def fields(self, db_table: str) -> dict[str, Any]:
        model = self.models.get(name_of(db_table))
        return {field.column: field for field in model._meta.local_concrete_fields} if model else {}

    def value(self, table: Table, column: Col, field: Any, size: float, number: int, tenant: int) -> Any:
        if make := examples().get(f"{name_of(table.name)}.{column.name}"):
            return make(number)
        if field is not None and field.is_relation:  # without a foreign key in the database
            related = field.related_model._meta.db_table
            return None if field.null else self.referred(related, number, tenant)[field.target_field.column]
        if field is None:
            return value_of_type(table.name, column, size, number)
        return value_of_field(field, size, number)

    # --- foreign keys

    def add_referenced(self, table: Table, values: Row, number: int, tenant: int) -> None:
        """Fill the columns of foreign keys. Columns beside a given one follow from its row."""
        for columns, referenced, targets in table.foreign_keys:
            given = {to: values[name] for name, to in zip(columns, targets, strict=True) if name in values}
            if None in given.values() or len(given) == len(columns):
                continue
            if given:
                row = self.found(referenced, given)
            elif all(table.columns[name].not_null for name in columns):
                row = self.referred(referenced, number, tenant)
            else:
                row = dict.fromkeys(targets)
            values.update({name: row[to] for name, to in zip(columns, targets, strict=True)})

    def found(self, db_table: str, given: Row) -> Row:
        conditions = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in given)
        query = sql.SQL("SELECT to_jsonb(t)::text FROM {} AS t WHERE {}")
        statement = query.format(sql.Identifier(*parts_of(db_table)), conditions).as_string(None)
        with connection.cursor() as cursor:
            cursor.execute(statement, list(given.values()))
            return dict(json.loads(cursor.fetchone()[0]))

    def referred(self, db_table: str, number: int, tenant: int) -> Row:
        """Return row `number` of a table, which is made on the first call with these arguments."""
        name = name_of(db_table)
        if name in self.ids:
            return self.found(name, {"id": self.ids[name](tenant)})
        if (name, number, tenant) not in self.known:
            self.known[name, number, tenant] = self.row(db_table, number, tenant, {})
        return self.known[name, number, tenant]
