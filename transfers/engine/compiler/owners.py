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
from transfers.engine.compiler.forms import NUMERIC, Form, form_of
from transfers.registry import is_generic
from transfers.rules import ArrayColumn, Column, JsonPath, Owner, Polymorphic

ID_STAGE = sql.SQL("transfer_stage")
ATTRIBUTE_STAGE = sql.SQL("transfer_stage_attribute")

CONTENT_TYPE = "(SELECT id FROM django_content_type WHERE app_label = {} AND model = {})"

NO_PATH = sql.Literal([])

_, LARGEST_ID = INTEGER_RANGES["bigint"]

# `staged` limits the stage to rows for the owner's attribute; it is empty for IDs. `form` follows the name of a column
# of the stage, so that the value has the owner's type. The extension intarray has an operator @> of its own, which
# raises an error for arrays with NULL.
HOLDS = {
    "column": "{staged}{r}.{field} = p.{role}{form}",
    "array": "{staged}{r}.{field}{plain} OPERATOR(pg_catalog.@>)"
    " CASE WHEN {fits} THEN ARRAY[p.{role}{form}]::{array} END",
    "json": "{staged}({r}.{field}{steps}) @> to_jsonb(p.{role}{form})",
    "polymorphic": "{staged}{r}.{kind_field} = {kind} AND {r}.{field} = p.{role}{form}",
}

MAPPED_COLUMN = """
coalesce((SELECT p.target{form}{exactly} FROM {stage} AS p WHERE {holds_source}), {r}.{field})
"""

# Arrays and lists without a source are not rewritten, so they stay identical byte for byte. Nor are arrays of several
# dimensions, which would be flattened: verification finds the source in them, and the pair fails. Each element is
# looked up in the stage: comparing the document with every pair would take rows × pairs.
MAPPED_ARRAY = """
CASE WHEN array_ndims({r}.{field}) = 1 AND EXISTS (
    SELECT FROM unnest({r}.{field}) AS u (value) JOIN {stage} AS p ON {staged}p.source{form} = u.value
) THEN (
    SELECT array_agg(e.value ORDER BY e.place) FROM (
        SELECT
            coalesce(
                (SELECT p.target{form} FROM {stage} AS p WHERE {staged}p.source{form} = u.value), u.value
            ) AS value,
            min(u.place) AS place
        FROM unnest({r}.{field}) WITH ORDINALITY AS u (value, place)
        GROUP BY 1, CASE WHEN u.value IS NULL THEN u.place END
    ) AS e
)::{type} ELSE {r}.{field} END
"""

MAPPED_JSON = """
CASE WHEN EXISTS (
    SELECT FROM jsonb_array_elements({elements}) AS u (value) JOIN {stage} AS p ON {staged}p.{source} = {as_id}
) THEN {put}
    CASE jsonb_typeof({r}.{field}{steps}) WHEN 'array' THEN (
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
CASE jsonb_typeof({r}.{field}{steps}) WHEN 'array' THEN {r}.{field}{steps}
    ELSE jsonb_build_array({r}.{field}{steps}) END
"""
NEW_ELEMENT = """
coalesce((SELECT to_jsonb(p.target{form}) FROM {stage} AS p WHERE {staged}p.{source} = {as_id}), u.value)
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
# An element as an external ID, if it can be one. The form decides how it is compared.
NUMBER_AS_ATTRIBUTE = """
CASE WHEN jsonb_typeof(u.value) = 'number' AND (u.value)::numeric BETWEEN -9e18 AND 9e18
    AND (u.value)::numeric = trunc((u.value)::numeric) THEN (u.value)::numeric::bigint END
"""
TEXT_AS_ATTRIBUTE = "CASE WHEN jsonb_typeof(u.value) = 'string' THEN u.value #>> '{}' END"


@dataclass(frozen=True)
class OwnerSql:
    """A compiled owner. `column` is the column that is rewritten, `sql_type` its type.

    `attribute` is what the column holds of a user, "" for the ID, and `form` how it stores it. `beside` is the column
    with the owner's kind or tenant, without which the value does not identify a user, or "". `tenant` is the one with
    the tenant, or "".
    """

    kind: str
    column: str
    sql_type: str
    stage: sql.Composable
    names: dict[str, sql.Composable]
    form: Form
    attribute: str = ""
    beside: str = ""
    tenant: str = ""

    @property
    def is_scalar(self) -> bool:
        """True if a row holds at most one user in this owner, so a join with the pairs returns it at most once."""
        return self.kind not in ("array", "json")

    def holds(self, role: str, row: str = "r") -> sql.Composed:
        """Return the condition that a row holds the pair's user of this role ("source" or "target")."""
        names = self.names | {"r": sql.SQL(row), "role": sql.SQL(role), "fits": self.fits(role)}
        condition = sql.SQL(HOLDS[self.kind]).format(**names)
        if self.tenant:
            condition += sql.SQL(" AND {}.{} = p.tenant").format(sql.SQL(row), sql.Identifier(self.tenant))
        return condition

    def value(self, row: str) -> sql.Composed:
        """Return the SQL of what this owner has of a row: its column or, in a document, what is at its path."""
        names = {"steps": sql.SQL("")} | self.names | {"r": sql.SQL(row)}
        return sql.SQL("{r}.{field}{steps}").format(**names)

    def fits(self, role: str) -> sql.Composed:
        """Return the condition that the column can hold the pair's user of this role."""
        user = {"value": self.user(role), "text": sql.SQL(f"p.{role}")}
        return sql.SQL(self.form.fits or "true").format(**user)

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
        return sql.SQL("p.{}{}").format(sql.SQL(role), self.names["form"])

    @property
    def staged(self) -> sql.Composable:
        """The condition that a row `p` of the stage is for this owner."""
        return (
            sql.SQL("p.holds = {}").format(sql.Literal(self.attribute)) if self.attribute else sql.SQL("true")
        )


def compile_owner(model: type[Model], owner: Owner, table: Table) -> OwnerSql:
    column = column_of(model, owner.field)
    sql_type, attribute = table.columns[column], "" if owner.holds == "id" else owner.holds
    form = attribute_form(owner, table, column) if attribute else id_form(owner, table, column)
    names: dict[str, sql.Composable] = {
        "field": sql.Identifier(column),
        "form": sql.SQL(form.suffix),
        "exactly": sql.SQL(number_type(table.base_types[column])),
        "staged": sql.SQL("p.holds = {} AND ").format(sql.Literal(attribute)) if attribute else sql.SQL(""),
    }
    kind, beside, tenant = "column", "", ""
    match owner:
        case Column(tenant=str(name)) if attribute:
            beside = tenant = column_of(model, name)
        case ArrayColumn():
            kind, names = "array", names | array_names(table, column)
        case JsonPath():
            kind, names = "json", names | json_names(owner)
        case Polymorphic(kind_field=kind_field):
            kind, beside = "polymorphic", column_of(model, kind_field)
            names |= {"kind_field": sql.Identifier(beside), "kind": kind_of(model, owner)}
    stage = ATTRIBUTE_STAGE if attribute else ID_STAGE
    return OwnerSql(kind, column, sql_type, stage, names, form, attribute, beside, tenant)


def id_form(owner: Owner, table: Table, column: str) -> Form:
    """Return how the column stores the IDs of users: as numbers or, if it says so, as text."""
    largest = LARGEST_ID if isinstance(owner, JsonPath) else largest_id(table.element_types[column])
    fits = f"{{text}} <= {largest}"
    return Form("::text" if getattr(owner, "as_text", False) else "", fits if largest < LARGEST_ID else "")


def attribute_form(owner: Owner, table: Table, column: str) -> Form:
    if isinstance(owner, JsonPath):
        return Form() if owner.as_text else Form("_bigint", "{value} IS NOT NULL")
    is_array = isinstance(owner, ArrayColumn)
    return form_of((table.element_types if is_array else table.base_types)[column])


def number_type(sql_type: str) -> str:
    """Return the cast to a type of numbers, or "": an expression in a key may tell 17 and 17.00, which are equal.

    Other types are left alone, because a cast could cut a text that the column would refuse.
    """
    return f"::{sql_type}" if sql_type in INTEGER_RANGES or NUMERIC.fullmatch(sql_type) else ""


def array_names(table: Table, column: str) -> dict[str, sql.Composable]:
    """A domain may refuse the array of one user that is looked for. An ID that the array cannot hold is in none."""
    base_type, array = table.base_types[column], f"{table.element_types[column]}[]"
    plain = "" if base_type == array else f"::{array}"
    return {"type": sql.SQL(base_type), "array": sql.SQL(array), "plain": sql.SQL(plain)}


def json_names(owner: JsonPath) -> dict[str, sql.Composable]:
    """The path is one `->` per key, as index expressions are usually written; with `#>` no such index would be used.

    Nor is `#>` used elsewhere, because it takes "0" also for the first element of a list.
    """
    is_attribute = owner.holds != "id"
    number, text = (NUMBER_AS_ATTRIBUTE, TEXT_AS_ATTRIBUTE) if is_attribute else (NUMBER_AS_ID, TEXT_AS_ID)
    source = "source_bigint" if is_attribute and not owner.as_text else "source"
    return {
        "path": sql.Literal(list(owner.path)),
        "as_id": sql.SQL((text if owner.as_text else number).strip()),
        "source": sql.SQL(source),
        "steps": sql.SQL("").join(sql.SQL(" -> {}").format(sql.Literal(key)) for key in owner.path),
    }


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
    if (match := NUMERIC.fullmatch(sql_type)) and match[1]:
        digits = max(int(match[1]) - int(match[2]), 0)
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
