"""Hooks with which an app refines its demo rows. A `demo` module beside its `datatypes.py` may define any of these:

LOOKUPS: dict[Model, list[dict]]          the rows to create in every tenant, so that records can reference them
VALUES: dict[Model, (draw, row) -> None]  a function that sets better values in a row whose columns are already filled
CHILDREN: dict[Model, (draw, parent) -> list[dict]]  a function that returns the child rows of one parent row

A row is a dict of column values by attname ("user_id", "starts_at"). `Draw` holds the owner of the row and generates
random values. A function that sets a column of a unique key must keep the key unique, for example by using `draw.n`,
the number of the row among those of its owner. `demo.records.values` fills the columns that no hook sets.
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
    """Return the merged hooks of all installed apps."""
    found = Hooks()
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, "demo"):
            module = import_module(f"{app.name}.demo")
            found.lookups.update(getattr(module, "LOOKUPS", {}))
            found.values.update(getattr(module, "VALUES", {}))
            found.children.update(getattr(module, "CHILDREN", {}))
    return found
