"""What an app knows better about its own demo rows: a `demo.py` beside its `datatypes.py`, with any of

LOOKUPS: dict[Model, list[dict]]          the rows that every tenant gets of a model that records refer to
VALUES: dict[Model, (draw, row) -> None]  puts better values into a row whose columns are filled already
CHILDREN: dict[Model, (draw, parent) -> list[dict]]  the children of one row of the data type they hang on

Rows are dicts of column values by the field's attname ("user_id", "starts_at"); `Draw` says whose row it is and draws.
A function that changes a column of a unique key has to keep it unique: `draw.n` counts within the agent. All of it is
optional, column by column: what is not given is filled by `transfers.demo.values`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils.module_loading import module_has_submodule

from transfers.demo.draw import Draw, Row

Values = Callable[[Draw, Row], None]
Children = Callable[[Draw, Row], list[Row]]


@dataclass(frozen=True)
class Hooks:
    lookups: dict[type[Model], Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    values: dict[type[Model], Values] = field(default_factory=dict)
    children: dict[type[Model], Children] = field(default_factory=dict)


@cache
def hooks() -> Hooks:
    """The hooks of all installed apps together."""
    found = Hooks()
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, "demo"):
            module = import_module(f"{app.name}.demo")
            found.lookups.update(getattr(module, "LOOKUPS", {}))
            found.values.update(getattr(module, "VALUES", {}))
            found.children.update(getattr(module, "CHILDREN", {}))
    return found
