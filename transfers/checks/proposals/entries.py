"""The data type that a check proposes for the columns of a model that reference a user."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import CharField, Field, Model, TextField

from transfers.checks.children import can_lose_child_rows, can_lose_rows, keys_with_owner
from transfers.checks.introspection import foreign_keys_to, generic_keys
from transfers.rules import Child, Column, Combine, DataType, KeepTarget, Owner, Polymorphic, Rename

USER = "accounts.User"
SENTENCE = "What it is."
Fields = Sequence["Field[Any, Any]"]


def proposed(
    model: type[Model], fields: Fields, models: Sequence[type[Model]], typed: set[Any], people: Fields = ()
) -> DataType:
    """Return a data type with these owners. `typed`: the models that have, or get, a data type of their own."""
    title = str(model._meta.verbose_name_plural).capitalize()
    entry = DataType(title, model, tuple(owner_of(field, people) for field in fields), Combine(), SENTENCE)
    keys = keys_with_owner(entry)
    if not keys:
        return entry
    if name := name_to_rename(entry, keys, models, typed):
        return replace(entry, rule=Combine(on_clash=Rename(name)))
    entry = replace(entry, rule=Combine(on_clash=KeepTarget()))
    return replace(entry, children=children_of(entry, [model], models, typed))


def owner_of(field: "Field[Any, Any]", people: Fields) -> Owner:
    """people: the fields that hold the IDs of people in the organisation's own table."""
    if field in people:
        return Column(field.name, holds="external_id")
    model = field.model
    for key in generic_keys(model):
        if key.fk_field == field.name:
            return Polymorphic(
                field.name, key.ct_field, USER, as_text=isinstance(field, CharField | TextField)
            )
    return Column(field.name)


def name_to_rename(
    entry: DataType, keys: list[list[str]], models: Sequence[type[Model]], typed: set[Any]
) -> str:
    """Return the text by which both of two rows can be kept, if dropping one would affect rows that must stay.

    These are rows of a tree, and rows that have a data type of their own.
    """
    model, [key, *others] = entry.model, keys
    referring = {field.model for field in foreign_keys_to(model, models)}
    if others or not referring & (typed | {model}):
        return ""
    texts = (name for name in key if is_text(model._meta.get_field(name)))
    return next((name for name in texts if name not in {owner.field for owner in entry.owners}), "")


def is_text(field: Any) -> bool:
    return isinstance(field, CharField | TextField) and not field.choices


def children_of(
    entry: DataType, above: list[type[Model]], models: Sequence[type[Model]], typed: set[Any]
) -> tuple[Child, ...]:
    """Return the children whose rows a transfer may delete or hand on, except those with a data type of their own."""
    found = []
    if len(above) == 1 and not can_lose_rows(entry):
        return ()
    for field in foreign_keys_to(above[-1], models):
        if field.model not in typed and field.model not in above:
            child = Child(field.model, field.name)
            below = children_of(entry, [*above, field.model], models, typed)
            found.append(replace(child, children=below) if can_lose_child_rows(entry, child) else child)
    return tuple(found)
