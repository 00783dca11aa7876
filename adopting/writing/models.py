"""models.py: an unmanaged model for each table, with every column and its type."""

import re
from collections.abc import Iterator

from accounts.models import User
from adopting.catalog.tables import Column, Table
from adopting.people.standing import plain
from adopting.proposing.plan import Plan
from adopting.writing.code import Call, comment, in_docstring, text
from adopting.writing.naming import Names
from transfers.checks.catalog.tables import identifier
from transfers.checks.tables.keys import candidate_key
from transfers.checks.tables.relations import PLACE

# Types without a field of their own are read as text: a transfer does not change them.
FIELDS = {
    "smallint": "SmallIntegerField",
    "integer": "IntegerField",
    "bigint": "BigIntegerField",
    "boolean": "BooleanField",
    "real": "FloatField",
    "double precision": "FloatField",
    "uuid": "UUIDField",
    "date": "DateField",
    "time without time zone": "TimeField",
    "timestamp without time zone": "DateTimeField",
    "timestamp with time zone": "DateTimeField",
    "interval": "DurationField",
    "json": "JSONField",
    "jsonb": "JSONField",
    "bytea": "BinaryField",
    "inet": "GenericIPAddressField",
    "text": "TextField",
}
HEAD = '''"""Tables of {schemas}, which belong to another program: no migration touches them."""
'''
ARRAYS = "from django.contrib.postgres.fields import ArrayField"
# Django's fields of text are not meant to be NULL; those of the other program are.
NULL_TEXTS = "# ruff: noqa: DJ001"


def models_file(plan: Plan, names: Names) -> str:
    tables = list(plan.database.tables.values())
    schemas = ", ".join(dict.fromkeys(table.relation.schema for table in tables))
    body = "\n\n".join("\n".join(model(table, names)) + "\n" for table in tables)
    imports = ["from django.db import models"]
    if "ArrayField(" in body:
        imports.insert(0, ARRAYS)
    lines = [HEAD.format(schemas=in_docstring(schemas)), NULL_TEXTS, "", *imports]
    return "\n".join(lines) + "\n\n\n" + body


def model(table: Table, names: Names) -> Iterator[str]:
    yield f"class {names.of_class(table.oid)}(models.Model):"
    if table.comment:
        yield from docstring(table.comment)
    key = key_columns(table)
    for column in table.columns.values():
        yield from field(table, column, names, key)
    if not table.primary_key:
        yield "    # The table has no primary key; Django needs a field that stands for one."
    if len(key) > 1:
        parts = [text(names.field(table.oid, column)) for column in key]
        yield Call("models.CompositePrimaryKey(", parts).text(4, before="pk = ")
    if not key:
        yield f"    {PLACE} = models.TextField(primary_key=True)  # the place of the row"
    yield ""
    yield "    class Meta:"
    yield "        managed = False"
    relation = table.relation
    yield f"        db_table = {text(identifier(relation.schema, relation.name))}"


def docstring(sentence: str) -> Iterator[str]:
    words = in_docstring(sentence)
    if words.endswith('"'):
        words += "."
    if len(words) < 96:
        yield f'    """{words}"""'
        yield ""
        return
    lines = [line.replace("    # ", "    ", 1) for line in comment(words, 4)]
    yield f'    """{lines[0].strip()}'
    yield from lines[1:]
    yield '    """'
    yield ""


def key_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that stand for the primary key: without one, those of a unique key, if there is any."""
    required = {column.name for column in table.columns.values() if column.not_null}
    return table.primary_key or candidate_key(table.indexes, required)


def field(table: Table, column: Column, names: Names, key: tuple[str, ...]) -> Iterator[str]:
    name = names.field(table.oid, column.name)
    start, options, remark = kind_of(table, column, names)
    is_key = key == (column.name,)
    if names.is_user(table, column.name):
        start, remark = "models.ForeignKey(", ""
        options = [text(User._meta.label), "models.DO_NOTHING", 'related_name="+"', "db_constraint=False"]
    is_foreign = start == "models.ForeignKey("
    if is_foreign and (is_key or table.is_unique(column.name)):
        start = "models.OneToOneField("
    if is_key:
        options = [*options, "primary_key=True"]
    elif table.is_unique(column.name) and start != "models.OneToOneField(":
        options = [*options, "unique=True"]
    if not column.not_null and not is_key:
        options = [*options, "null=True"]
    if default_column(name, is_foreign) != column.name:
        options = [*options, f"db_column={text(column.name)}"]
    if remark:
        yield from comment(remark, 4)
    yield Call(start, options).text(4, before=f"{name} = ")


def default_column(name: str, is_foreign: bool) -> str:
    return f"{name}_id" if is_foreign else name


def kind_of(table: Table, column: Column, names: Names) -> tuple[str, list["str | Call"], str]:
    """Return the start of the field's call, its first options and a remark about its type."""
    if target := names.foreign.get((table.oid, column.name)):
        oid, referenced = target
        to = "self" if oid == table.oid else names.of_class(oid)
        options: list[str | Call] = [text(to), "models.DO_NOTHING", 'related_name="+"', "db_constraint=False"]
        if names.database.tables[oid].primary_key != (referenced,):
            options.insert(2, f"to_field={text(names.field(oid, referenced))}")
        return "models.ForeignKey(", options, ""
    return plain_field(column.base_type)


def plain_field(sql_type: str) -> tuple[str, list["str | Call"], str]:
    if sql_type.endswith("[]"):
        start, options, remark = plain_field(sql_type.removesuffix("[]"))
        return "ArrayField(", [Call(start, options)], remark
    base = plain(sql_type)
    if base in FIELDS:
        return f"models.{FIELDS[base]}(", [], ""
    numbers = [int(number) for number in re.findall(r"\d+", sql_type)]
    if base in ("character varying", "character") and numbers:
        return "models.CharField(", [f"max_length={numbers[0]}"], ""
    if base == "numeric":
        digits, places = (*numbers, 1000, 500)[:2] if len(numbers) != 1 else (numbers[0], 0)
        return "models.DecimalField(", [f"max_digits={digits}", f"decimal_places={places}"], ""
    if base == "character varying":
        return "models.TextField(", [], ""
    return "models.TextField(", [], f"type: {sql_type}"
