"""Declarations as Python code, with the imports that it needs."""

import json
import sys
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from django.db.models import Model

from transfers.rules import DataType

RULES = "transfers.rules"


class Code:
    """Write declarations as code and remember the names to import."""

    def __init__(self) -> None:
        self.imports: set[tuple[str, str]] = set()
        self.classes: dict[str, Any] = {}

    def lines(self, entries: list[DataType]) -> str:
        """Return the imports and the entries of DATA_TYPES."""
        listed = "\n".join(f"        {self.of(entry)}," for entry in entries)
        imports = "\n".join(f"    {line}" for line in self.import_lines())
        return f"{imports}\n\n    DATA_TYPES = [\n{listed}\n    ]"

    def import_lines(self) -> list[str]:
        modules = sorted({module for module, _ in self.imports})
        names = {module: sorted(name for of, name in self.imports if of == module) for module in modules}
        return [f"from {module} import {', '.join(names[module])}" for module in modules]

    def of(self, value: Any) -> str:
        if isinstance(value, type) and issubclass(value, Model):
            return self.model(value)
        if isinstance(value, tuple):
            return f"({', '.join(map(self.of, value))}{',' if len(value) == 1 else ''})"
        if is_dataclass(value):
            self.imports.add((RULES, type(value).__name__))
            given = (self.argument(value, field) for field in fields(value))
            return f"{type(value).__name__}({', '.join(filter(None, given))})"
        return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)

    def argument(self, value: Any, field: "Field[Any]") -> str:
        argument = getattr(value, field.name)
        if field.default is MISSING:
            return self.of(argument)
        return "" if argument == field.default else f"{field.name}={self.of(argument)}"

    # --- models

    def model(self, model: type[Model]) -> str:
        """Return the expression that names the model. Some have no class in a module: through and history tables."""
        source: Any = model._meta.auto_created
        if source:
            many = (field for field in source._meta.local_many_to_many if field.remote_field.through is model)
            return f"{self.model(source)}.{next(many).name}.through"
        if getattr(sys.modules.get(model.__module__), model.__name__, None) is not model:
            self.imports.add(("django.apps", "apps"))
            return f'apps.get_model("{model._meta.app_label}", "{model.__name__}")'
        return self.imported(model)

    def imported(self, model: type[Model]) -> str:
        name = model.__name__
        if self.classes.setdefault(name, model) is model:
            self.imports.add((model.__module__, name))
            return name
        alias = f"{model._meta.app_label.title().replace('_', '')}{name}"
        self.imports.add((model.__module__, f"{name} as {alias}"))
        return alias
