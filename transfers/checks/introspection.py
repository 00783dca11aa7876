"""Model introspection: foreign keys to a model, unique keys, and leading index columns.

Used by start-up checks, which must work without a database. The engine reads the database catalog instead
(`transfers.engine.compiler.catalog`).
"""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from django.core.exceptions import FieldDoesNotExist
from django.db.models import CompositePrimaryKey, Field, ForeignKey, Model, Q, UniqueConstraint


def field_of(model: type[Model], name: str) -> "Field[Any, Any] | None":
    """Return the model's field with this name, or None if it is not a column of the model's table."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, Field) and field.concrete and not field.many_to_many else None


def foreign_keys_to(target: type[Model], models: Iterable[type[Model]]) -> "Iterator[ForeignKey[Any, Any]]":
    """Yield the foreign keys and one-to-one fields that reference a model.

    A many-to-many field is covered by the foreign keys of its through table.
    """
    for model in models:
        for field in model._meta.local_fields:
            related = field.related_model
            if isinstance(field, ForeignKey) and isinstance(related, type) and issubclass(related, target):
                yield field


def label(field: "Field[Any, Any]") -> str:
    """Return the field in the form of a key of `not_transferred()`, e.g. "quality.ccr.agent"."""
    return f"{field.model._meta.label_lower}.{field.name}"


def path_of(field: "Field[Any, Any]") -> str:
    """Return the field in the form that declarations use, e.g. "quality.CCR.agent"."""
    return f"{field.model._meta.label}.{field.name}"


# --- Keys and indexes: lists of field names ------------------------------------------------------------------------


def unique_keys(model: type[Model]) -> Iterator[list[str]]:
    """Yield, for each unique key of the model, the fields it depends on, including those of its condition."""
    meta = model._meta
    yield from ([field.name] for field in meta.local_concrete_fields if field.unique)
    if isinstance(meta.pk, CompositePrimaryKey):
        yield list(meta.pk.field_names)
    yield from (list(names) for names in meta.unique_together)
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield [*columns_of(constraint), *names_in(constraint.condition)]


def leading_columns(model: type[Model]) -> set[str]:
    """Return the first field of each index that covers all rows, or all rows in which that field is not NULL."""
    meta = model._meta
    found = {field.name for field in meta.local_concrete_fields if field.unique or cast(Any, field).db_index}
    parts = meta.pk.field_names if isinstance(meta.pk, CompositePrimaryKey) else ()
    composite = [meta.get_field(part).name for part in parts]  # a part may be an attname, such as "user_id"
    found |= {names[0] for names in (composite, *meta.unique_together) if names}
    unique = [constraint for constraint in meta.constraints if isinstance(constraint, UniqueConstraint)]
    for index in (*meta.indexes, *unique):
        first = next(iter(columns_of(index)), "")
        if index.condition in (None, Q(**{f"{first}__isnull": False})):
            found.add(first)
    return found


def columns_of(index: Any) -> list[str]:
    """Return, in order, the fields that an `Index` or `UniqueConstraint` names directly or inside expressions."""
    return [name.removeprefix("-") for name in index.fields] or list(names_in(*index.expressions))


def names_in(*expressions: Any) -> Iterator[str]:
    """Yield the fields referenced in expressions and conditions, such as F("user") or Q(deleted_at=None)."""
    for expression in expressions:
        if expression is not None:
            yield from (path[0] for path in cast(Any, Model)._get_expr_references(expression))
