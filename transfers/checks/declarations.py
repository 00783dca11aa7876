"""Check at start-up, from the models, that every reference to a user is declared and every declaration is valid.

An undeclared foreign key to the user model prevents the start; the hint contains the lines to paste.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning, register
from django.db.models import Field, ForeignKey, Model

from accounts.models import User
from transfers.checks.children import Models, keys_with_owner, undeclared_children
from transfers.checks.introspection import (
    DECIDE,
    field_names,
    field_of,
    foreign_keys_to,
    generic_fields,
    label,
    leading_columns,
    model_named,
    names_of,
    path_of,
)
from transfers.checks.owners import ambiguous
from transfers.checks.proposals.hints import hints
from transfers.registry import data_types, not_transferred
from transfers.rules import (
    Column,
    Combine,
    DataType,
    FillBlank,
    Max,
    Min,
    Or,
    Polymorphic,
    Profile,
    all_children,
)


@register
def data_types_can_be_run(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    models, entries, stays = apps.get_models(include_auto_created=True), data_types(), not_transferred()
    errors = [*misnamed(entries), *declared_twice(entries)]
    if errors:  # the checks below need declared names that exist
        return errors
    return [
        *undeclared(models, entries, stays),
        *contradictory(entries, stays),
        *ambiguous(entries),
        *undecided(entries),
        *profiles(entries),
        *undeclared_children(models, entries),
        *without_index(entries),
        *outdated(stays),
    ]


# --- Declared names exist ------------------------------------------------------------------------------------------


def misnamed(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    for entry in entries:
        for model, name in names_of(entry):
            if field_of(model, name) is None:
                yield Error(
                    f"{entry.name}: {model._meta.label} has no field {name!r} with a column.",
                    hint=f"Correct the name in datatypes.py. Fields: {', '.join(field_names(model))}.",
                    id="transfers.E001",
                )


def declared_twice(entries: Sequence[DataType]) -> Iterator[CheckMessage]:
    """Yield an error for each model with several data types.

    Counts are stored under the model's label, so a model can have only one data type.
    """
    for key in sorted({entry.key for entry in entries}):
        names = [entry.name for entry in entries if entry.key == key]
        if len(names) > 1:
            yield Error(
                f"{key} is declared by {len(names)} data types: {', '.join(names)}.",
                hint="Merge them into one DataType with several owners.",
                id="transfers.E002",
            )


# --- Every reference to a user is declared -------------------------------------------------------------------------


def undeclared(
    models: Models, entries: Sequence[DataType], stays: Mapping[str, str]
) -> Iterator[CheckMessage]:
    owners = owner_fields(entries)
    references: list[Field[Any, Any]] = [*foreign_keys_to(User, models), *generic_fields(models)]
    open_fields = [field for field in references if field not in owners and label(field) not in stays]
    for field, hint in hints(open_fields, entries, models).items():
        what = "references" if isinstance(field, ForeignKey) else "may reference (by a generic foreign key)"
        yield Error(
            f"{path_of(field)} {what} a user, but is neither an owner of a data type nor in NOT_TRANSFERRED.",
            hint=hint,
            id="transfers.E003",
        )


def owner_fields(entries: Iterable[DataType]) -> "set[Field[Any, Any] | None]":
    return {field_of(entry.model, owner.field) for entry in entries for owner in entry.owners}


def contradictory(entries: Iterable[DataType], stays: Mapping[str, str]) -> Iterator[CheckMessage]:
    for field in owner_fields(entries):
        if field is not None and label(field) in stays:
            yield Error(
                f"{path_of(field)} is an owner of a data type and also listed as not transferred.",
                hint="Remove it from DATA_TYPES or from NOT_TRANSFERRED.",
                id="transfers.E004",
            )


def outdated(stays: Mapping[str, str]) -> Iterator[CheckMessage]:
    for entry in stays:
        model, steps = model_named(entry), entry.split(".")
        if model is None and len(steps) > 2:
            continue  # it may be the column of a table without a model, which only the check of the database knows
        if model is None or field_of(model, steps[-1]) is None:
            yield Warning(
                f"NOT_TRANSFERRED lists {entry}, but no model has this column.",
                hint="Correct it to app_label.Model.field, or remove the line.",
                id="transfers.W001",
            )


# --- Every conflict has a policy ----------------------------------------------------------------------------------


def undecided(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    for entry in entries:
        if isinstance(entry.rule, Combine) and entry.rule.on_clash is None:
            for key in keys_with_owner(entry):
                yield Error(
                    f"{entry.name}: {entry.model._meta.label} is unique by {' + '.join(key)}, so rows of both users"
                    " can conflict, but no policy is declared.",
                    hint=DECIDE,
                    id="transfers.E005",
                )


IDEMPOTENT = (FillBlank, Max, Min, Or)


def profiles(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    """Yield an error for each profile without exactly one owner column, or with folds that are not idempotent."""
    for entry in entries:
        if not isinstance(entry.rule, Profile):
            continue
        if len(entry.owners) != 1 or not isinstance(entry.owners[0], Column):
            yield Error(
                f"{entry.name}: a profile needs exactly one owner, a Column.",
                hint='Set the owners to (Column("user"),), or to (Column("id"),) on the user model.',
                id="transfers.E007",
            )
        for name, fold in entry.rule.columns.items():
            if not isinstance(fold, IDEMPOTENT):
                yield Error(
                    f"{entry.name}: a second run would apply {type(fold).__name__} to {name} again.",
                    hint="Use FillBlank(), Max(), Min() or Or() in a profile.",
                    id="transfers.E008",
                )


# --- Every owner has an index --------------------------------------------------------------------------------------


def without_index(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    for entry in entries:
        owners = [(entry.model, owner.field) for owner in entry.owners if not isinstance(owner, Polymorphic)]
        children = ((child.model, child.field) for child in all_children(entry.children))
        for model, name in chain(owners, children):
            # Only the database knows the indexes of unmanaged tables; `checks.database` reads them there.
            if model._meta.managed and name not in leading_columns(model):
                yield Warning(
                    f"{entry.name}: no index of {model._meta.label} starts with {name}, so every transfer reads the"
                    " whole table.",
                    hint=f"Add one, in the model's Meta or in the database:\n{index_to_create(model, name)}",
                    id="transfers.W002",
                )


def index_to_create(model: type[Model], name: str) -> str:
    field, meta = field_of(model, name), model._meta
    is_list = field is not None and field.get_internal_type() in ("ArrayField", "JSONField")
    index, method = ("GinIndex", "USING gin ") if is_list else ("Index", "")
    return (
        f'    indexes = [{index}(fields=["{name}"], name="{f"{meta.model_name}_by_{name}"[:30]}")]\n'
        f'    CREATE INDEX CONCURRENTLY ON "{meta.db_table}" {method}("{field.column if field else name}");'
    )
