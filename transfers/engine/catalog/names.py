"""Names of tables in any schema: from a model's `db_table` to SQL and to the database catalog.

Django has no option for the schema of a table. A model names it in `db_table`, quoted as in SQL: '"suite"."person"' or,
as is often seen, 'suite"."person'. Without a schema, the connection's search path decides.
"""

import re

from django.db.models import Model
from psycopg import sql

# A part in quotes, in which "" stands for one.
PART = r'"((?:[^"]|"")*)"'


def parts_of(db_table: str) -> tuple[str, ...]:
    """Return the schema, if the name has one, and the name of the table, both without quotes."""
    is_enclosed = db_table.startswith('"') and db_table.endswith('"')
    inner = db_table[1:-1] if is_enclosed else db_table
    is_quoted = re.fullmatch(rf"{PART}(\.{PART})*", f'"{inner}"')
    parts = re.findall(PART, f'"{inner}"') if is_quoted else [inner]
    return tuple(part.replace('""', '"') for part in parts)


def identifier(model: type[Model]) -> sql.Identifier:
    """Return the model's table as SQL, with its schema if it names one."""
    return sql.Identifier(*parts_of(model._meta.db_table))


def quoted(db_table: str) -> str:
    """Return the name as text for `to_regclass`, which looks it up as a statement would."""
    return ".".join('"{}"'.format(part.replace('"', '""')) for part in parts_of(db_table))


def without_modifier(sql_type: str) -> str:
    """Return the type without its length, precision or scale: numeric for numeric(20,2).

    A bit without quotes is bit(1), and a character is character(1).
    """
    plain = re.sub(r"\(\d+(,-?\d+)?\)", "", sql_type)
    return re.sub(r"^character\b(?! varying)", "bpchar", re.sub(r"^bit\b(?! varying)", '"bit"', plain))
