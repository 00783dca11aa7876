"""The view or table with the organisation's people: which of its columns are read, and how."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from psycopg import sql

REQUIRED = ("person_id", "user_name", "email", "first_name", "last_name", "team", "active")
OPTIONAL = ("tenant", "employee_id")

RELATIONS = """
SELECT c.oid::bigint, n.nspname, c.relname, pg_table_is_visible(c.oid),
    has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
ORDER BY n.nspname
"""
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute AS a
WHERE a.attrelid = %s::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
# Characters that cannot be seen, or that reorder their neighbours, are left out: two names could look the same.
HIDDEN = (
    r"[\u0001-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF"
    r"\uFFF9-\uFFFB]"
)
TEXT = "btrim(regexp_replace(coalesce({}::text, ''), {}, '', 'g'))"
YES, NO = ("t", "true", "y", "yes", "1", "active"), ("f", "false", "n", "no", "0", "inactive")
TRUTH = """
CASE WHEN lower(btrim({0}::text)) = ANY ({1}) THEN true WHEN lower(btrim({0}::text)) = ANY ({2}) THEN false END
"""


class PeopleRefused(Exception):
    """The people cannot be read as they are, so nothing was changed. Each of `sentences` says what to correct."""

    def __init__(self, *sentences: str) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


@dataclass(frozen=True)
class Source:
    """The view. `types` maps the names of this program to the SQL types of the columns that hold them."""

    identifier: sql.Identifier
    name: str
    types: Mapping[str, str]

    def values(self) -> sql.Composed:
        """Return the select list: every value as this program stores it, under its own name."""
        return sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(self.value(name), sql.Identifier(name))
            for name in (*REQUIRED, *OPTIONAL)
        )

    def value(self, name: str) -> sql.Composable:
        if name not in self.types:
            return sql.SQL("''::text")
        column = sql.Identifier(settings.PEOPLE_COLUMNS[name])
        if name == "active":
            return sql.SQL(TRUTH).format(column, sql.Literal(list(YES)), sql.Literal(list(NO)))
        if name == "person_id":  # 7.00 is the person whom a column of integers calls 7
            is_numeric = self.types[name] == "numeric"
            return sql.SQL("trim_scale({})::text" if is_numeric else "{}::text").format(column)
        return sql.SQL(TEXT).format(column, sql.Literal(HIDDEN))


def find_source() -> Source:
    """Return the view of the settings PEOPLE_VIEW and PEOPLE_COLUMNS. Raises `PeopleRefused`."""
    *schema, name = settings.PEOPLE_VIEW
    with connection.cursor() as cursor:
        cursor.execute(RELATIONS, [name])
        found = cursor.fetchall()
        chosen = [row for row in found if (row[1] == schema[0] if schema else row[3])]
        wanted = ".".join(settings.PEOPLE_VIEW)
        if not chosen:
            raise PeopleRefused(missing(wanted, [f"{row[1]}.{row[2]}" for row in found]))
        oid, schema_name, _, _, may_read = chosen[0]
        identifier = sql.Identifier(schema_name, name)
        if not may_read:
            raise PeopleRefused(unreadable(wanted, identifier, schema_name))
        cursor.execute(COLUMNS, [oid])
        columns = dict(cursor.fetchall())
    return Source(identifier, wanted, types_of(columns, wanted))


def types_of(columns: Mapping[str, str], view: str) -> dict[str, str]:
    names = {name: settings.PEOPLE_COLUMNS[name] for name in (*REQUIRED, *OPTIONAL)}
    # A column that PEOPLE_COLUMNS names has to exist, even if it may be missing otherwise.
    needed = [name for name, column in names.items() if name in REQUIRED or column != name]
    lacking = [names[name] for name in needed if names[name] not in columns]
    if lacking:
        raise PeopleRefused(
            f"{view} has no column {', '.join(lacking)}. It has: {', '.join(columns)}. Add what is missing to the view,"
            " or say in PEOPLE_COLUMNS under which name it is there, for example person_id=id,user_name=login."
        )
    return {name: columns[column] for name, column in names.items() if column in columns}


def missing(view: str, elsewhere: list[str]) -> str:
    there = f" There is {' and '.join(elsewhere)}." if elsewhere else ""
    return (
        f"The view {view} with the people does not exist.{there} Create it (docs/adopting-people.md), or name another"
        " one with its schema in PEOPLE_VIEW."
    )


def unreadable(view: str, identifier: sql.Identifier, schema: str) -> str:
    role, of = (
        sql.Identifier(settings.APPLICATION_ROLE).as_string(None),
        sql.Identifier(schema).as_string(None),
    )
    return (
        f"The role of this program may not read {view}. As the owner of the view:\n"
        f"    GRANT USAGE ON SCHEMA {of} TO {role};\n    GRANT SELECT ON {identifier.as_string(None)} TO {role};"
    )
