"""Registry of the data types: collects the following from the `datatypes.py` of every installed app.

DATA_TYPES: list[DataType]            in display order
NOT_TRANSFERRED: dict[str, str]       "app_label.Model.field" (case-insensitive) -> the reason
"""

from functools import cache
from importlib import import_module
from types import ModuleType

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils.module_loading import module_has_submodule

from transfers.rules import DataType, Polymorphic


@cache
def data_types() -> tuple[DataType, ...]:
    """Return every data type of every installed app, in the order of INSTALLED_APPS and of each app's list."""
    return tuple(entry for module in declarations() for entry in getattr(module, "DATA_TYPES", ()))


@cache
def not_transferred() -> dict[str, str]:
    """Return the columns that reference a user but are left unchanged: "app.model.field" -> the reason."""
    return {
        column.lower(): reason
        for module in declarations()
        for column, reason in getattr(module, "NOT_TRANSFERRED", {}).items()
    }


@cache
def held_attributes() -> tuple[str, ...]:
    """Return the attributes of users, other than the ID, by which records reference them."""
    return tuple(sorted({name for entry in data_types() for name in entry.held_attributes}))


@cache
def looks_beyond_tenants() -> bool:
    """Return whether records refer to users by their external IDs without saying of which tenant."""
    owners = (owner for entry in data_types() for owner in entry.owners)
    return any(owner.holds == "external_id" and getattr(owner, "tenant", None) is None for owner in owners)


def by_key(key: str) -> DataType:
    """Return the data type with this key. Raises KeyError if no installed app declares it any more."""
    return {entry.key: entry for entry in data_types()}[key]


def is_generic(model: type[Model], owner: Polymorphic) -> bool:
    """Return whether the kind is a content type, which is declared by the name of a model: "accounts.User"."""
    return bool(owner.kind_field) and model._meta.get_field(owner.kind_field).related_model is ContentType


def stored_kind(model: type[Model], owner: Polymorphic) -> str | int:
    """Return the kind of a user as rows store it. The number of a content type differs from database to database."""
    if not is_generic(model, owner):
        return owner.kind
    return ContentType.objects.get_for_model(apps.get_model(owner.kind)).pk


def declarations() -> list[ModuleType]:
    return [
        import_module(f"{app.name}.datatypes")
        for app in apps.get_app_configs()
        if app.module is not None and module_has_submodule(app.module, "datatypes")
    ]
