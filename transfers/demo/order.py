"""In which order the tables are filled: whatever a row refers to comes before it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Model

from transfers.registry import data_types
from transfers.rules import Child, DataType

# Tenants, teams, users and views are made by `organisation`, the assignment of views with them.
MADE_APART = "accounts"


@dataclass(frozen=True)
class Step:
    """A model to fill; `entry` is its data type, None where records only refer to it."""

    model: type[Model]
    entry: DataType | None


def steps() -> list[Step]:
    """Data types and what they refer to, directly or not; children come with their data type."""
    entries = {entry.model: entry for entry in data_types() if not is_made_apart(entry.model)}
    with_parent = {child: entry for entry in entries.values() for child in descendants(entry.children)}
    found: dict[type[Model], Step] = {}
    visited: set[type[Model]] = set()

    def visit(model: type[Model]) -> None:
        if model in visited:
            return
        visited.add(model)
        entry = entries.get(model)
        children = descendants(entry.children) if entry else []
        for other in needed([model, *children]):
            visit(with_parent[other].model if other in with_parent and other not in entries else other)
        if not is_made_apart(model):
            found[model] = Step(model, entry)

    for model in entries:
        visit(model)
    return list(found.values())


def descendants(children: Iterable[Child]) -> list[type[Model]]:
    return [model for child in children for model in (child.model, *descendants(child.children))]


def needed(models: Iterable[type[Model]]) -> Iterator[type[Model]]:
    """The models that rows of these refer to."""
    for model in models:
        for field in model._meta.concrete_fields:
            if field.is_relation and field.related_model not in (model, None):
                yield field.related_model


def is_made_apart(model: type[Model]) -> bool:
    return model._meta.app_label == MADE_APART


def is_shared(model: type[Model]) -> bool:
    """Does a model that records refer to belong to no tenant? Then its rows are everybody's, and made once."""
    return not any(field.is_relation for field in model._meta.concrete_fields)
