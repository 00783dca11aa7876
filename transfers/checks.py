"""Start-up checks of the data types: nothing that belongs to a user is forgotten, and every declaration can be run.

A model with a foreign key to the user that nobody has classified stops start-up, and the lines to paste are printed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning, register
from django.db.models import Field, Model

from accounts.models import Tenant, User
from transfers.introspection import field_of, label, leading_columns, pointing_to, unique_keys
from transfers.registry import data_types, not_transferred
from transfers.rules import (
    Child,
    Column,
    Combine,
    DataType,
    FillBlank,
    Max,
    Min,
    Or,
    Overwrite,
    Polymorphic,
    Profile,
    Rename,
)

Models = Sequence[type[Model]]


@register
def data_types_can_be_run(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    models, entries, stays = apps.get_models(include_auto_created=True), data_types(), not_transferred()
    wrong = [*misnamed(entries), *declared_twice(entries)]
    if wrong:  # everything else looks up these names
        return wrong
    return [
        *unclassified(models, entries, stays),
        *contradictory(entries, stays),
        *ambiguous(entries),
        *undecided(entries),
        *profiles(entries),
        *undeclared_children(models, entries),
        *without_index(entries),
        *outdated(stays),
    ]


# --- What is declared exists ---------------------------------------------------------------------------------------


def misnamed(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    for entry in entries:
        for model, name in names_of(entry):
            if field_of(model, name) is None:
                yield Error(
                    f"{entry.name}: {model._meta.label} has no column {name!r}.",
                    hint=f"Correct the name in datatypes.py. Its fields: {', '.join(columns(model))}.",
                    id="transfers.E001",
                )


def names_of(entry: DataType) -> Iterator[tuple[type[Model], str]]:
    """Every model and field that the declaration names."""
    policy = entry.rule.on_clash if isinstance(entry.rule, Combine) else entry.rule
    attributes = [entry.day, *(getattr(policy, name, None) for name in ("by", "field"))]
    for owner in entry.owners:
        attributes += [getattr(owner, name, None) for name in ("field", "kind_field", "tenant")]
    yield from ((entry.model, name) for name in (*attributes, *getattr(policy, "columns", ())) if name)
    yield from ((child.model, child.field) for child in all_children(entry.children))


def all_children(children: Iterable[Child]) -> Iterator[Child]:
    for child in children:
        yield child
        yield from all_children(child.children)


def columns(model: type[Model]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields]


def declared_twice(entries: Sequence[DataType]) -> Iterator[CheckMessage]:
    """Counts are stored under the model, so that two data types of one model could not be told apart."""
    for key in sorted({entry.key for entry in entries}):
        names = [entry.name for entry in entries if entry.key == key]
        if len(names) > 1:
            yield Error(
                f"{key} is the model of {len(names)} data types: {', '.join(names)}.",
                hint="Make them one DataType with several owners.",
                id="transfers.E002",
            )


# --- Nothing is forgotten ------------------------------------------------------------------------------------------


def unclassified(
    models: Models, entries: Iterable[DataType], stays: Mapping[str, str]
) -> Iterator[CheckMessage]:
    owned = owners(entries)
    for field in pointing_to(User, models):
        if field not in owned and label(field) not in stays:
            yield Error(
                f"{written(field)} points to a user, and nobody has said what a transfer does with it.",
                hint=lines_to_paste(field),
                id="transfers.E003",
            )


def owners(entries: Iterable[DataType]) -> "set[Field[Any, Any] | None]":
    return {field_of(entry.model, owner.field) for entry in entries for owner in entry.owners}


def written(field: "Field[Any, Any]") -> str:
    """Like "quality.CCR.agent"."""
    return f"{field.model._meta.label}.{field.name}"


def lines_to_paste(field: "Field[Any, Any]") -> str:
    meta = field.model._meta
    name = str(meta.verbose_name_plural).capitalize()
    return f"""If it belongs to the user, paste into DATA_TYPES of the datatypes.py of the app {meta.app_label!r}:
    DataType("{name}", {meta.object_name}, (Column("{field.name}"),), Combine(), "What it is."),
If it stays as it is, paste into NOT_TRANSFERRED of the same file:
    "{written(field)}": "because …","""


def contradictory(entries: Iterable[DataType], stays: Mapping[str, str]) -> Iterator[CheckMessage]:
    for field in owners(entries):
        if field is not None and label(field) in stays:
            yield Error(
                f"{written(field)} is an owner of a data type, and listed as not transferred.",
                hint="Take it out of DATA_TYPES or out of NOT_TRANSFERRED.",
                id="transfers.E004",
            )


def outdated(stays: Mapping[str, str]) -> Iterator[CheckMessage]:
    for entry in stays:
        *path, name = entry.split(".")
        model = apps.all_models.get(path[0], {}).get(path[-1]) if len(path) == 2 else None
        if model is None or field_of(model, name) is None:
            yield Warning(
                f"NOT_TRANSFERRED names {entry}, which is no column of any model.",
                hint="Write it as app_label.Model.field, or take the line out.",
                id="transfers.W001",
            )


# --- An owner names one user ---------------------------------------------------------------------------------------


def ambiguous(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    """Owners that name users of several tenants at once, or whatever has the same number."""
    for entry in entries:
        for owner in entry.owners:
            if isinstance(owner, Polymorphic) and not owner.kind_field:
                yield Error(
                    f"{entry.name}: nothing says whether {owner.field} is a user's id or that of something else.",
                    hint="Name the column with the kind: Polymorphic(…, kind_field=…); or Column(…) if all are users.",
                    id="transfers.E009",
                )
            if isinstance(owner, Column) and owner.holds != "id" and not is_unique_in_tenant(owner.holds):
                yield Error(
                    f"{entry.name}: several users may have the {owner.holds} that stands in {owner.field}.",
                    hint="Let holds be an attribute that is unique within a tenant: employee_id or username.",
                    id="transfers.E009",
                )
            if isinstance(owner, Column) and not owner.names_tenant:
                yield Error(
                    f"{entry.name}: nothing says of which tenant the {owner.holds} in {owner.field} is, so that a"
                    " transfer could move rows of another tenant.",
                    hint=tenant_to_name(entry.model, owner),
                    id="transfers.E010",
                )


def is_unique_in_tenant(attribute: str) -> bool:
    keys = [set(key) for key in unique_keys(User)]
    return {attribute} in keys or {"tenant", attribute} in keys


def tenant_to_name(model: type[Model], owner: Column) -> str:
    there = [field.name for field in pointing_to(Tenant, [model])]
    name = there[0] if there else "tenant"
    line = f"""Name the field with the tenant's id in datatypes.py:
    Column("{owner.field}", holds="{owner.holds}", tenant="{name}"),"""
    if there:
        return line
    return f"""{line}
The rows of a table without it are of one tenant. Say so in the table, with that tenant's id for 1, and in the model:
    ALTER TABLE "{model._meta.db_table}" ADD tenant_id bigint NOT NULL DEFAULT 1;
    tenant = models.ForeignKey("accounts.Tenant", models.DO_NOTHING, related_name="+", db_constraint=False)"""


# --- Every clash is decided, and nothing hangs in the air ----------------------------------------------------------


def keys_with_owner(entry: DataType) -> list[list[str]]:
    """The unique keys in which an owner takes part, so that rows of two users can clash."""
    names = {owner.field for owner in entry.owners}
    return [key for key in unique_keys(entry.model) if names & set(key)]


def undecided(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    for entry in entries:
        if isinstance(entry.rule, Combine) and entry.rule.on_clash is None:
            for key in keys_with_owner(entry):
                yield Error(
                    f"{entry.name}: both users may have a row of the same {' + '.join(key)}, which is unique in"
                    f" {entry.model._meta.label}, and its rule does not say which one survives.",
                    hint="Say so in datatypes.py, for example: Combine(on_clash=KeepTarget())",
                    id="transfers.E005",
                )


REPEATABLE = (FillBlank, Max, Min, Or)


def profiles(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    """A profile is folded again by a second run, which must change nothing."""
    for entry in entries:
        if not isinstance(entry.rule, Profile):
            continue
        if len(entry.owners) != 1 or not isinstance(entry.owners[0], Column):
            yield Error(
                f"{entry.name}: a profile needs one column that says whose row it is.",
                hint='Give it one owner, for example (Column("user"),), or (Column("id"),) on the user model.',
                id="transfers.E007",
            )
        for name, fold in entry.rule.columns.items():
            if not isinstance(fold, REPEATABLE):
                yield Error(
                    f"{entry.name}: {type(fold).__name__} of {name} would be added again by a second run.",
                    hint="Use FillBlank, Max, Min or Or for the columns of a profile.",
                    id="transfers.E008",
                )


def undeclared_children(models: Models, entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    for entry in entries:
        if can_lose_rows(entry):
            yield from undeclared_below(entry, entry.model, entry.children, models)


def can_lose_rows(entry: DataType) -> bool:
    if isinstance(entry.rule, Overwrite) or entry.drop_self_edges:
        return True
    is_decided = isinstance(entry.rule, Combine) and not isinstance(entry.rule.on_clash, Rename)
    return is_decided and bool(keys_with_owner(entry))


def undeclared_below(
    entry: DataType, parent: type[Model], children: Sequence[Child], models: Models
) -> Iterator[CheckMessage]:
    """Foreign keys to rows that may go, and then to the children that go with them."""
    declared = {field_of(child.model, child.field) for child in children}
    for field in pointing_to(parent, models):
        if field not in declared:
            yield Error(
                f"{written(field)} points to rows that a transfer of {entry.name} may delete.",
                hint=f"Say so in the DataType {entry.name!r}, below {parent._meta.label}:\n"
                f'    children=(Child({field.model._meta.object_name}, "{field.name}"),)',
                id="transfers.E006",
            )
    for child in children:
        if can_go(entry, child):
            yield from undeclared_below(entry, child.model, child.children, models)


def can_go(entry: DataType, child: Child) -> bool:
    """Can rows of the child be deleted? When their parent is handed over, only those that the winner has already."""
    with_parent = child.goes_with_parent or isinstance(entry.rule, Overwrite) or entry.drop_self_edges
    return with_parent or any(child.field in key for key in unique_keys(child.model))


# --- Every owner is found at once ----------------------------------------------------------------------------------


def without_index(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    for entry in entries:
        places = [(entry.model, owner.field) for owner in entry.owners if not isinstance(owner, Polymorphic)]
        hanging = ((child.model, child.field) for child in all_children(entry.children))
        for model, name in chain(places, hanging):
            # Of a table that another system owns only the database knows the indexes: `engine.catalog_check` asks it.
            if model._meta.managed and name not in leading_columns(model):
                yield Warning(
                    f"{entry.name}: no index of {model._meta.label} begins with {name}, so every transfer reads"
                    " the whole table.",
                    hint=f"Create it, in the model's Meta or in the database:\n{index_to_create(model, name)}",
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
