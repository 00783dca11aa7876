"""An app's own demo rows: a `demo.py` beside its `datatypes.py`, with any of

LOOKUPS: dict[Model, list[dict]]          rows per tenant of a model that records reference
VALUES: dict[Model, (draw, row) -> None]  improves a row whose columns are already filled
CHILDREN: dict[Model, (draw, parent) -> list[dict]]  child rows of one row of a data type

Rows are dicts by attname ("user_id", "starts_at"); `Draw` holds the owner and the random source. A function that
changes a column of a unique key must keep it unique: `draw.n` counts within the agent. Everything is optional, column
by column; `demo.records.values` fills the rest.
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
    """The hooks of all installed apps."""
    found = Hooks()
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, "demo"):
            module = import_module(f"{app.name}.demo")
            found.lookups.update(getattr(module, "LOOKUPS", {}))
            found.values.update(getattr(module, "VALUES", {}))
            found.children.update(getattr(module, "CHILDREN", {}))
    return found
