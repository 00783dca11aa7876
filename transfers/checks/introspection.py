"""Introspection of models and declarations: foreign keys, unique keys, leading index columns, declared fields.

Used by start-up checks, which must work without a database. The engine reads the database catalog instead
(`transfers.engine.catalog.tables`).
"""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from django.apps import apps
from django.contrib.contenttypes.fields import GenericForeignKey
from django.core.exceptions import FieldDoesNotExist
from django.db.models import CompositePrimaryKey, Field, ForeignKey, Model, Q, UniqueConstraint, UUIDField

from transfers.rules import Child, Combine, DataType, all_children

DECIDE = """Declare which row survives in datatypes.py, e.g.:
    from transfers.rules import Combine, KeepTarget
    Combine(on_clash=KeepTarget())"""


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


def generic_keys(model: type[Model]) -> list[GenericForeignKey]:
    """Return the generic foreign keys of the model's own table that may hold a user's ID, which is no UUID."""
    meta = model._meta
    keys = [key for key in meta.private_fields if isinstance(key, GenericForeignKey)]
    fields = {field.name for field in meta.local_fields if not isinstance(field, UUIDField)}
    return [key for key in keys if key.fk_field in fields]


def generic_fields(models: Iterable[type[Model]]) -> "Iterator[Field[Any, Any]]":
    """Yield the fields in which generic foreign keys hold the ID of an object of any model, such as a user."""
    for model in models:
        names = {key.fk_field for key in generic_keys(model)}
        yield from (field for field in model._meta.local_fields if field.name in names)


def label(field: "Field[Any, Any]") -> str:
    """Return the field as a key of `not_transferred()`, e.g. "quality.ccr.agent"."""
    return f"{field.model._meta.label_lower}.{field.name}"


def path_of(field: "Field[Any, Any]") -> str:
    """Return the field with the model's label as written in code, e.g. "quality.CCR.agent"."""
    return f"{field.model._meta.label}.{field.name}"


def model_named(name: str) -> type[Model] | None:
    """Return the model of a key of `not_transferred()`, or None. Without a model, it may be schema.table.column."""
    *path, _ = name.split(".")
    return apps.all_models.get(path[0], {}).get(path[1]) if len(path) == 2 else None


# --- Keys and indexes: lists of field names ------------------------------------------------------------------------


def unique_keys(model: type[Model]) -> Iterator[list[str]]:
    """Yield, for each unique key of the model, the fields it depends on, including those of its condition."""
    meta = model._meta
    yield from ([field.name] for field in meta.local_concrete_fields if field.unique)
    if isinstance(meta.pk, CompositePrimaryKey):
        yield primary_key(model)
    yield from (list(names) for names in meta.unique_together)
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield [*columns_of(constraint), *names_in(constraint.condition)]


def primary_key(model: type[Model]) -> list[str]:
    pk = model._meta.pk
    parts = pk.field_names if isinstance(pk, CompositePrimaryKey) else [pk.name]
    return [model._meta.get_field(part).name for part in parts]  # a part may be given by its attname


def keys_with(model: type[Model], names: set[str]) -> list[list[str]]:
    """Return the unique keys on which rows can conflict because of these fields.

    A key that contains the primary key is distinct in any case, unless the fields are part of the primary key.
    """
    primary = set(primary_key(model))
    is_distinct = not primary & names
    return [
        key for key in unique_keys(model) if names & set(key) and not (is_distinct and primary <= set(key))
    ]


def leading_columns(model: type[Model]) -> set[str]:
    """Return the first field of each index that covers all rows, or all rows in which that field is not NULL."""
    meta = model._meta
    found = {field.name for field in meta.local_concrete_fields if field.unique or cast(Any, field).db_index}
    found |= {names[0] for names in (primary_key(model), *meta.unique_together)}
    unique = [constraint for constraint in meta.constraints if isinstance(constraint, UniqueConstraint)]
    for index in (*meta.indexes, *unique):
        first = next(iter(columns_of(index)), "")
        if index.condition in (None, Q(**{f"{first}__isnull": False})):
            found.add(first)
    return found


def columns_of(index: Any) -> list[str]:
    """Return the fields of an `Index` or `UniqueConstraint` in order, named directly or inside expressions."""
    return [name.removeprefix("-") for name in index.fields] or list(names_in(*index.expressions))


def names_in(*expressions: Any) -> Iterator[str]:
    """Yield the fields referenced in expressions and conditions, such as F("user") or Q(deleted_at=None)."""
    for expression in expressions:
        if expression is not None:
            yield from (path[0] for path in cast(Any, Model)._get_expr_references(expression))


# --- Declarations ---------------------------------------------------------------------------------------------------


def names_of(entry: DataType) -> Iterator[tuple[type[Model], str]]:
    """Yield every field name in the declaration, each with its model."""
    policy = entry.rule.on_clash if isinstance(entry.rule, Combine) else entry.rule
    attributes = [entry.day, *(getattr(policy, name, None) for name in ("by", "field"))]
    for owner in entry.owners:
        attributes += [getattr(owner, name, None) for name in ("field", "kind_field", "tenant")]
    yield from ((entry.model, name) for name in (*attributes, *getattr(policy, "columns", ())) if name)
    yield from ((child.model, child.field) for child in all_children(entry.children))


def field_names(model: type[Model]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields]


def models_of(entry: DataType | Child) -> Iterator[type[Model]]:
    """Yield the models of a data type and of all its children."""
    yield entry.model
    for child in entry.children:
        yield from models_of(child)
