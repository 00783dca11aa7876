"""Hooks by which an app refines its demo rows: a `demo.py` beside its `datatypes.py` with any of

LOOKUPS: dict[Model, list[dict]]          rows that every tenant gets of a model that records reference
VALUES: dict[Model, (draw, row) -> None]  sets better values in a row whose columns are already filled
CHILDREN: dict[Model, (draw, parent) -> list[dict]]  the child rows of one parent row

Rows are dicts of column values by attname ("user_id", "starts_at"); `Draw` has the owner of the row and random values.
A function that sets a column of a unique key must keep it unique: `draw.n` counts the rows of the agent. All other
columns are filled by `demo.records.values`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils.module_loading import module_has_submodule

from demo.records.draw import Draw, Row

Values = Callable[[Draw, Row], None]
Children = Callable[[Draw, Row], list[Row]]


@dataclass(frozen=True)
class Hooks:
    lookups: dict[type[Model], Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    values: dict[type[Model], Values] = field(default_factory=dict)
    children: dict[type[Model], Children] = field(default_factory=dict)


@cache
def hooks() -> Hooks:
    """The merged hooks of all installed apps."""
    found = Hooks()
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, "demo"):
            module = import_module(f"{app.name}.demo")
            found.lookups.update(getattr(module, "LOOKUPS", {}))
            found.values.update(getattr(module, "VALUES", {}))
            found.children.update(getattr(module, "CHILDREN", {}))
    return found
