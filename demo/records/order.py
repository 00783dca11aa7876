"""The order in which tables are filled: referenced models come before the models that reference them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Model

from transfers.registry import data_types
from transfers.rules import Child, DataType

# Teams, users, views and their assignments are created by `demo.organisation`.
ORGANISATION_APP = "accounts"


@dataclass(frozen=True)
class FillStep:
    """A model to fill. `entry` is its data type, or None if records only reference the model."""

    model: type[Model]
    entry: DataType | None


def fill_steps() -> list[FillStep]:
    """Return a step for each data type and each model that data types reference, directly or not, in filling order.

    Child models have no step, because they are filled together with their data type.
    """
    entries = {entry.model: entry for entry in data_types() if not in_organisation(entry.model)}
    with_parent = {child: entry for entry in entries.values() for child in descendants(entry.children)}
    found: dict[type[Model], FillStep] = {}
    visited: set[type[Model]] = set()

    def visit(model: type[Model]) -> None:
        if model in visited:
            return
        visited.add(model)
        entry = entries.get(model)
        children = descendants(entry.children) if entry else []
        for other in referenced_by([model, *children]):
            visit(with_parent[other].model if other in with_parent and other not in entries else other)
        if not in_organisation(model):
            found[model] = FillStep(model, entry)

    for model in entries:
        visit(model)
    return list(found.values())


def descendants(children: Iterable[Child]) -> list[type[Model]]:
    parts = (child for child in children if not child.detached)
    return [model for child in parts for model in (child.model, *descendants(child.children))]


def referenced_by(models: Iterable[type[Model]]) -> Iterator[type[Model]]:
    for model in models:
        for field in model._meta.concrete_fields:
            if field.is_relation and field.related_model not in (model, None):
                yield field.related_model


def in_organisation(model: type[Model]) -> bool:
    return model._meta.app_label == ORGANISATION_APP


def is_shared(model: type[Model]) -> bool:
    """Return whether a referenced model belongs to no tenant, so that its rows are created once for all tenants."""
    return not any(field.is_relation for field in model._meta.concrete_fields)
