"""The SQL of an owner: the condition that a row holds a user, and the column's value after the mapping.

`map(x) = T if x is the S of a pair, else x` (docs/rules.md, section 3). In the templates, `p` is the pair, `role` its
column "source" or "target", and `r` the alias of the record table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Field, Model
from psycopg import sql

from transfers.engine.catalog.tables import Table
from transfers.engine.compiler.folds import INTEGER_RANGES, length_of
from transfers.registry import is_generic
from transfers.rules import ArrayColumn, Column, JsonPath, Owner, Polymorphic

ID_STAGE = sql.SQL("transfer_stage")
ATTRIBUTE_STAGE = sql.SQL("transfer_stage_attribute")

CONTENT_TYPE = "(SELECT id FROM django_content_type WHERE app_label = {} AND model = {})"

NO_PATH = sql.Literal([])

_, LARGEST_ID = INTEGER_RANGES["bigint"]

HOLDS = {
    "column": "{r}.{field} = p.{role}",
    "attribute": "p.holds = {holds} AND {r}.{field} = p.{role} AND {r}.{tenant} = p.tenant",
    "array": "{r}.{field}{plain} @> CASE WHEN p.{role} <= {largest} THEN ARRAY[p.{role}]::{array} END",
    "json": "({r}.{field}{steps}) @> to_jsonb(p.{role}{text})",
    "polymorphic": "{r}.{kind_field} = {kind} AND {r}.{field} = p.{role}{text}",
}

MAPPED_COLUMN = """
coalesce((SELECT p.target{text} FROM {stage} AS p WHERE {holds_source}), {r}.{field})
"""

# Arrays and lists without a source are not rewritten, so they stay identical byte for byte. Nor are arrays of several
# dimensions, which would be flattened: verification finds the source in them, and the pair fails. Each element is
# looked up in the stage: comparing the document with every pair would take rows × pairs.
MAPPED_ARRAY = """
CASE WHEN array_ndims({r}.{field}) = 1 AND EXISTS (
    SELECT FROM unnest({r}.{field}) AS u (value) JOIN transfer_stage AS p ON p.source = u.value
) THEN (
    SELECT array_agg(e.value ORDER BY e.place) FROM (
        SELECT coalesce((SELECT p.target FROM transfer_stage AS p WHERE p.source = u.value), u.value) AS value,
            min(u.place) AS place
        FROM unnest({r}.{field}) WITH ORDINALITY AS u (value, place)
        GROUP BY 1, CASE WHEN u.value IS NULL THEN u.place END
    ) AS e
)::{type} ELSE {r}.{field} END
"""

MAPPED_JSON = """
CASE WHEN EXISTS (
    SELECT FROM jsonb_array_elements({elements}) AS u (value) JOIN transfer_stage AS p ON p.source = {as_id}
) THEN {put}
    CASE jsonb_typeof({r}.{field} #> {path}) WHEN 'array' THEN (
        SELECT jsonb_agg(e.value ORDER BY e.place) FROM (
            SELECT {new_element} AS value, min(u.place) AS place
            FROM jsonb_array_elements({elements}) WITH ORDINALITY AS u (value, place)
            GROUP BY 1, CASE WHEN {as_id} IS NULL THEN u.place END
        ) AS e
    ) ELSE (SELECT {new_element} FROM jsonb_array_elements({elements}) AS u (value)) END
) ELSE {value} END
"""
# The list at the path, or a list of the only value there.
ELEMENTS = """
CASE jsonb_typeof({r}.{field} #> {path}) WHEN 'array' THEN {r}.{field} #> {path}
    ELSE jsonb_build_array({r}.{field} #> {path}) END
"""
NEW_ELEMENT = """
coalesce((SELECT to_jsonb(p.target{text}) FROM transfer_stage AS p WHERE p.source = {as_id}), u.value)
"""
# An element of a JSON list as a user's ID, if it is one.
NUMBER_AS_ID = """
CASE WHEN jsonb_typeof(u.value) = 'number' AND (u.value)::numeric BETWEEN 1 AND 9e18
    AND (u.value)::numeric = trunc((u.value)::numeric) THEN (u.value)::numeric::bigint END
"""
TEXT_AS_ID = """
CASE WHEN jsonb_typeof(u.value) = 'string' AND u.value #>> '{}' ~ '^[1-9][0-9]{0,17}$'
    THEN (u.value #>> '{}')::bigint END
"""


@dataclass(frozen=True)
class OwnerSql:
    """A compiled owner. `column` is the column that is rewritten, `sql_type` its type.

    `beside` is the column with the owner's kind or tenant, without which the value does not identify a user, or "".
    `largest_id` is the largest ID of a user that the column can hold.
    """

    kind: str
    column: str
    sql_type: str
    stage: sql.SQL
    names: dict[str, sql.Composable]
    beside: str = ""
    largest_id: int = LARGEST_ID

    @property
    def is_scalar(self) -> bool:
        """True if a row holds at most one user in this owner, so a join with the pairs returns it at most once."""
        return self.kind not in ("array", "json")

    def holds(self, role: str, row: str = "r") -> sql.Composed:
        """Return the condition that a row holds the pair's user of this role ("source" or "target")."""
        names = self.names | {"r": sql.SQL(row), "role": sql.SQL(role)}
        return sql.SQL(HOLDS[self.kind]).format(**names)

    def mapped(self, value: sql.Composable | None = None) -> sql.Composed:
        """Return the SQL of the column's value in row `r` after the mapping.

        `value`: the expression to start from, if another owner in the same document has already been mapped.
        """
        template = {"array": MAPPED_ARRAY, "json": MAPPED_JSON}.get(self.kind, MAPPED_COLUMN)
        row = sql.SQL("v" if value else "r")
        names = self.names | {
            "r": row,
            "stage": self.stage,
            "holds_source": self.holds("source"),
            "value": sql.SQL("{r}.{field}").format(r=row, **self.names),
        }
        if self.kind == "json":
            names["elements"] = sql.SQL(ELEMENTS.strip()).format(**names)
            names["new_element"] = sql.SQL(NEW_ELEMENT.strip()).format(**names)
        mapped = sql.SQL(template.strip()).format(put=self.put(names), **names)
        if value:
            mapped = sql.SQL("(SELECT {} FROM (SELECT {} AS {}) AS v)").format(mapped, value, names["field"])
        return mapped

    def put(self, names: dict[str, sql.Composable]) -> sql.Composable:
        """Return the start of the expression that writes the new value.

        With an empty path, the new value replaces the entire document.
        """
        if self.names.get("path", NO_PATH) == NO_PATH:
            return sql.SQL("(")
        return sql.SQL("jsonb_set({value}, {path},").format(**names)

    def user(self, role: str) -> sql.Composed:
        """Return the SQL of the pair's user of this role ("source" or "target") as the column stores it."""
        return sql.SQL("p.{}{}").format(sql.SQL(role), self.names["text"])

    @property
    def staged(self) -> sql.Composable:
        """The condition that a row `p` of the stage is for this owner."""
        if self.kind != "attribute":
            return sql.SQL("true")
        return sql.SQL("p.holds = {}").format(self.names["holds"])


def compile_owner(model: type[Model], owner: Owner, table: Table) -> OwnerSql:
    column = column_of(model, owner.field)
    sql_type, largest = table.columns[column], largest_id(table.element_types[column])
    names: dict[str, sql.Composable] = {
        "field": sql.Identifier(column),
        "text": sql.SQL("::text" if getattr(owner, "as_text", False) else ""),
    }
    match owner:
        case Column(holds="id"):
            return OwnerSql("column", column, sql_type, ID_STAGE, names, largest_id=largest)
        case Column(holds=holds, tenant=str(tenant)):
            beside = column_of(model, tenant)
            names |= {"holds": sql.Literal(holds), "tenant": sql.Identifier(beside)}
            return OwnerSql("attribute", column, sql_type, ATTRIBUTE_STAGE, names, beside)
        case ArrayColumn():
            # A domain may refuse the array of one user that is looked for. An ID that the array cannot hold is in none.
            base_type, array = table.base_types[column], f"{table.element_types[column]}[]"
            names |= {"type": sql.SQL(base_type), "array": sql.SQL(array), "largest": sql.Literal(largest)}
            names["plain"] = sql.SQL("" if base_type == array else f"::{array}")
            return OwnerSql("array", column, sql_type, ID_STAGE, names, largest_id=largest)
        case JsonPath(path=path):
            names["path"] = sql.Literal(list(path))
            # One `->` per key, as index expressions are usually written; with `#>` no such index would be used.
            names["as_id"] = sql.SQL((TEXT_AS_ID if owner.as_text else NUMBER_AS_ID).strip())
            names["steps"] = sql.SQL("").join(sql.SQL(" -> {}").format(sql.Literal(key)) for key in path)
            return OwnerSql("json", column, sql_type, ID_STAGE, names)
        case Polymorphic(kind_field=kind_field):
            beside = column_of(model, kind_field)
            names |= {"kind_field": sql.Identifier(beside), "kind": kind_of(model, owner)}
            return OwnerSql("polymorphic", column, sql_type, ID_STAGE, names, beside, largest)
    raise TypeError(f"{owner!r} is not an owner.")


def kind_of(model: type[Model], owner: Polymorphic) -> sql.Composable:
    """Return the SQL of the kind of a user. A content type is looked up by the database when the statement runs."""
    if not is_generic(model, owner):
        return sql.Literal(owner.kind)
    app_label, _, name = owner.kind.lower().partition(".")
    return sql.SQL(CONTENT_TYPE).format(sql.Literal(app_label), sql.Literal(name))


def largest_id(sql_type: str) -> int:
    """Return the largest ID of a user that a column or an element of this type can hold."""
    _, largest = INTEGER_RANGES.get(sql_type, (0, LARGEST_ID))
    digits = length_of(sql_type)
    return min(largest, 10**digits - 1) if digits < len(str(LARGEST_ID)) else largest


def mapped_columns(owners: Iterable[OwnerSql]) -> dict[str, sql.Composed]:
    """Return the new value of each owner column.

    For several owners in one document, each mapping starts from the result of the one before.
    """
    mapped: dict[str, sql.Composed] = {}
    for owner in owners:
        mapped[owner.column] = owner.mapped(mapped.get(owner.column))
    return mapped


def column_of(model: type[Model], field: str) -> str:
    """Return the database column of a model's field."""
    return cast("Field[Any, Any]", model._meta.get_field(field)).column or ""
