"""The lines that checks print for a column that references a user, complete enough to paste into a `datatypes.py`."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Field, Model

from transfers.checks.catalog.tables import TableName
from transfers.checks.introspection import path_of, unique_keys
from transfers.rules import DataType

PACKAGES = ("site-packages", "dist-packages")


def lines_to_paste(fields: "Sequence[Field[Any, Any]]", entries: Iterable[DataType]) -> str:
    """Return the lines for all undeclared columns of one model, because a model can have only one data type."""
    model = fields[0].model
    columns = "".join(f'Column("{field.name}"), ' for field in fields).strip()
    entry = next((entry for entry in entries if entry.model is model), None)
    if entry is not None:
        declare = f"If it makes a row the user's, add it to the owners of the DataType {entry.name!r}:\n    {columns}"
    else:
        declare = new_entry(model, columns if len(fields) == 1 else columns.removesuffix(","), fields)
    listed = "\n".join(f'    "{path_of(field)}": "the reason",' for field in fields)
    return f"{declare}\nIf a transfer must not change the column, add to NOT_TRANSFERRED in the same file:\n{listed}"


def new_entry(model: type[Model], columns: str, fields: "Sequence[Field[Any, Any]]") -> str:
    imported, name = importable(model)
    is_unique = any({field.name for field in fields} & set(key) for key in unique_keys(model))
    rule, more = ("Combine(on_clash=KeepTarget())", ", KeepTarget") if is_unique else ("Combine()", "")
    title = str(model._meta.verbose_name_plural).capitalize()
    return f"""If these records belong to the user, add to the datatypes.py of {app_of(model)}:
    from {imported.__module__} import {imported.__qualname__.split(".")[0]}
    from transfers.rules import Column, Combine, DataType{more}
and to its list DATA_TYPES:
    DataType("{title}", {name}, ({columns}), {rule}, "What it is."),"""


def importable(model: type[Model]) -> tuple[Any, str]:
    """Return the class to import, and the expression that names the model. A through table has no class of its own."""
    source: Any = model._meta.auto_created
    if not source:
        return model, model.__qualname__ if "<" not in model.__qualname__ else model.__name__
    field = next(field for field in source._meta.local_many_to_many if field.remote_field.through is model)
    return source, f"{source.__name__}.{field.name}.through"


def app_of(model: type[Model]) -> str:
    """Name the app whose file to edit. A file of an installed package is lost with its next version."""
    config = model._meta.app_config
    if config is None or any(name in config.path for name in PACKAGES):
        return "an app of your own, which EXTRA_APPS lists (docs/extending.md)"
    return f"the app {model._meta.app_label!r}"


def class_name(table: str) -> str:
    return "".join(word.capitalize() for word in table.replace(" ", "_").split("_"))


def lines_for_table(table: TableName, column: str) -> str:
    """Return the lines for a table without a model."""
    return f"""If these records belong to the user, add a model to an app of your own (docs/extending.md):
    class {class_name(table.name)}(models.Model):
        {column.lower().removesuffix("_id")} = models.ForeignKey(
            "accounts.User", models.DO_NOTHING, related_name="+", db_column={column!r}, db_constraint=False
        )

        class Meta:
            managed = False
            db_table = {table.db_table!r}
If a transfer must not change the column, add to NOT_TRANSFERRED in the datatypes.py of that app:
    "{table.schema}.{table.name}.{column}": "the reason","""
