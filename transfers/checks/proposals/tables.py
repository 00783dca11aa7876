"""Lines to paste for tables that have no model: the model and its data type."""

import re
from collections.abc import Sequence
from keyword import iskeyword

from accounts.models import User
from transfers.checks.catalog.tables import Catalog, Reference, identifier
from transfers.checks.proposals.hints import OWN_APP
from transfers.checks.tables.keys import clashing_keys

# The other types are read as text: a transfer does not change these columns.
FIELDS = {
    "bigint": "BigIntegerField",
    "integer": "IntegerField",
    "smallint": "SmallIntegerField",
    "uuid": "UUIDField",
    "date": "DateField",
    "timestamp with time zone": "DateTimeField",
}


def lines_for_table(references: Sequence[Reference], catalog: Catalog) -> str:
    """Return the lines for a table without a model, from all its foreign keys to users."""
    table, name = references[0].table, class_name(references[0].table.name)
    columns = [identifying(reference)[0] for reference in references]
    oid = references[0].oid
    is_key = set(primary_key(oid, columns, catalog)) <= set(columns)  # for Django, which needs a key
    is_unique = is_key or clashing_keys(catalog.indexes_of(oid), set(columns))
    rule, more = ("Combine(on_clash=KeepTarget())", ", KeepTarget") if is_unique else ("Combine()", "")
    owners = " ".join(f"{owner(reference)}," for reference in references)
    listed = "\n".join(f'        "{table.schema}.{table.name}.{column}": "the reason",' for column in columns)
    return f"""If these records belong to the user, add to the models.py of {OWN_APP}:
{model_lines(references, User._meta.label, catalog)}
and to its datatypes.py:
    from .models import {name}
    from transfers.rules import Column, Combine, DataType{more}

    DATA_TYPES = [
        DataType("{table.name}", {name}, ({owners}), {rule}, "What it is."),
    ]
List the columns that a transfer must not change in its datatypes.py instead:
    NOT_TRANSFERRED = {{
{listed}
    }}
If the file has these lists already, add to them."""


def model_lines(references: Sequence[Reference], target: str, catalog: Catalog) -> str:
    """Return an unmanaged model with the primary key and the foreign keys to the target, indented to be pasted."""
    table, oid = references[0].table, references[0].oid
    key = primary_key(oid, [identifying(reference)[0] for reference in references], catalog)
    fields = {column: plain_field(oid, column, catalog) for column in key}
    for reference in references:
        fields.update(foreign_fields(reference, target, catalog))
    lines = []
    for column, (kind, arguments) in fields.items():
        options = [
            *arguments,
            f"db_column={quoted(column)}",
            *(["primary_key=True"] if [column] == key else []),
        ]
        lines.append(f"{field_name(column)} = models.{kind}({', '.join(options)})")
    if len(key) > 1:
        lines.append(
            f"pk = models.CompositePrimaryKey({', '.join(quoted(field_name(name)) for name in key)})"
        )
    body = "\n".join(f"        {line}" for line in lines)
    return f"""    from django.db import models

    class {class_name(table.name)}(models.Model):
{body}

        class Meta:
            managed = False
            db_table = {table.db_table!r}"""


def identifying(reference: Reference) -> tuple[str, str]:
    """Return the column that identifies the referenced row, and the one it references.

    A composite foreign key may also hold the tenant. The IDs of the organisation's own people are external IDs.
    """
    columns = dict(zip(reference.referenced_columns, reference.columns, strict=True))
    if reference.people_key:
        return columns.get(reference.people_key, reference.columns[-1]), "external_id"
    names = ("id", "username", "employee_id", reference.referenced_columns[-1])
    referenced = next(name for name in names if name in columns)
    return columns[referenced], referenced


def owner(reference: Reference) -> str:
    column, referenced = identifying(reference)
    if referenced == "id":
        return f"Column({quoted(field_name(column))})"
    if referenced == "external_id":
        return f'Column({quoted(field_name(column))}, holds="external_id")'
    tenant = dict(zip(reference.referenced_columns, reference.columns, strict=True)).get(
        "tenant_id", "tenant"
    )
    return f'Column({quoted(field_name(column))}, holds="{referenced}", tenant={quoted(field_name(tenant))})'


def primary_key(oid: int, foreign: Sequence[str], catalog: Catalog) -> list[str]:
    """Return the columns of the primary key. Django needs one; in a table without, any column can be named."""
    for index in catalog.indexes_of(oid):
        if index.is_primary:
            return [name for name in index.names if name]
    others = [column for column in catalog.columns.get(oid, {}) if column not in foreign]
    return [*others, *foreign][:1]


def plain_field(oid: int, column: str, catalog: Catalog) -> tuple[str, list[str]]:
    return FIELDS.get(catalog.columns.get(oid, {}).get(column, ""), "TextField"), []


def foreign_fields(reference: Reference, target: str, catalog: Catalog) -> dict[str, tuple[str, list[str]]]:
    """Return the field of a foreign key, and that of the tenant if it references an attribute of a user."""
    column, referenced = identifying(reference)
    if target != User._meta.label or referenced == "id":
        return {column: foreign_key(target)}
    columns = dict(zip(reference.referenced_columns, reference.columns, strict=True))
    has_tenant = "tenant_id" in columns and not reference.people_key
    tenant = {columns["tenant_id"]: foreign_key("tenancy.Tenant")} if has_tenant else {}
    return {column: plain_field(reference.oid, column, catalog), **tenant}


def foreign_key(target: str) -> tuple[str, list[str]]:
    return "ForeignKey", [quoted(target), "models.DO_NOTHING", 'related_name="+"', "db_constraint=False"]


def class_name(table: str) -> str:
    name = "".join(word[:1].upper() + word[1:] for word in re.split(r"\W+|_", table))
    return name if name.isidentifier() and not iskeyword(name) else f"Table{name}"


def field_name(column: str) -> str:
    """Return the column as the name of a field, without "_id" at its end, which Django adds to foreign keys."""
    name = re.sub(r"[\W_]+", "_", column.lower()).strip("_").removesuffix("_id")
    return name if name.isidentifier() and not iskeyword(name) and name != "pk" else f"column_{name}"


def quoted(text: str) -> str:
    return identifier(text) if '"' not in text and "\\" not in text else repr(text)
