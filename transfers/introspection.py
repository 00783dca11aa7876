"""What the models say about themselves: who points to whom, which keys are unique, which columns lead an index.

For the start-up checks, which must not need a database; what runs reads the catalog instead (`engine.catalog`).
"""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from django.core.exceptions import FieldDoesNotExist
from django.db.models import CompositePrimaryKey, Field, ForeignKey, Model, Q, UniqueConstraint


def field_of(model: type[Model], name: str) -> "Field[Any, Any] | None":
    """The model's own field of this name that is a column of its table."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, Field) and field.concrete and not field.many_to_many else None


def pointing_to(target: type[Model], models: Iterable[type[Model]]) -> "Iterator[ForeignKey[Any, Any]]":
    """The foreign keys and one-to-ones to a model. A many-to-many is met as the foreign keys of its table."""
    for model in models:
        for field in model._meta.local_fields:
            related = field.related_model
            if isinstance(field, ForeignKey) and isinstance(related, type) and issubclass(related, target):
                yield field


def label(field: "Field[Any, Any]") -> str:
    """Like "quality.ccr.agent", as in NOT_TRANSFERRED."""
    return f"{field.model._meta.label_lower}.{field.name}"


# --- Keys and indexes: lists of field names ------------------------------------------------------------------------


def unique_keys(model: type[Model]) -> Iterator[list[str]]:
    """The fields that each unique key of the model depends on, those of its condition too."""
    meta = model._meta
    yield from ([field.name] for field in meta.local_concrete_fields if field.unique)
    if isinstance(meta.pk, CompositePrimaryKey):
        yield list(meta.pk.field_names)
    yield from (list(names) for names in meta.unique_together)
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield [*columns_of(constraint), *names_in(constraint.condition)]


def leading_columns(model: type[Model]) -> set[str]:
    """The fields by whose value rows are found at once: each is the first of an index over all rows that have one."""
    meta = model._meta
    found = {field.name for field in meta.local_concrete_fields if field.unique or is_indexed(field)}
    parts = meta.pk.field_names if isinstance(meta.pk, CompositePrimaryKey) else ()
    composite = [meta.get_field(part).name for part in parts]  # a part may be named by its column
    found |= {names[0] for names in (composite, *meta.unique_together) if names}
    unique = [constraint for constraint in meta.constraints if isinstance(constraint, UniqueConstraint)]
    for index in (*meta.indexes, *unique):
        first = next(iter(columns_of(index)), "")
        if index.condition in (None, Q(**{f"{first}__isnull": False})):
            found.add(first)
    return found


def is_indexed(field: Any) -> bool:
    return bool(field.db_index)


def columns_of(index: Any) -> list[str]:
    """The fields of an `Index` or a `UniqueConstraint`, given by name or inside expressions, in their order."""
    return [name.removeprefix("-") for name in index.fields] or list(names_in(*index.expressions))


def names_in(*expressions: Any) -> Iterator[str]:
    """The fields named in expressions and conditions: F("user"), Lower("name"), Q(deleted_at=None)."""
    for expression in expressions:
        if expression is not None:
            yield from (path[0] for path in cast(Any, Model)._get_expr_references(expression))
