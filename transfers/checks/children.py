"""Start-up check of child models: every foreign key to rows that a transfer may delete must be declared."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db.models import ForeignKey, Model

from transfers.checks.introspection import field_of, foreign_keys_to, keys_with, path_of
from transfers.rules import Child, Combine, DataType, Overwrite, Rename

Models = Sequence[type[Model]]
# From a data type's model down: each model with the children declared for it.
Chain = Sequence[tuple[type[Model], Sequence[Child]]]
KEEP_TREES = "In a tree, keep both of two rows that conflict:\n    Combine(on_clash=Rename(…))"


def undeclared_children(models: Models, entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    for entry in entries:
        if can_lose_rows(entry):
            yield from undeclared_below(entry, [(entry.model, entry.children)], models)


def can_lose_rows(entry: DataType) -> bool:
    if isinstance(entry.rule, Overwrite) or entry.drops_self_edges:
        return True
    is_decided = isinstance(entry.rule, Combine) and not isinstance(entry.rule.on_clash, Rename)
    return is_decided and bool(keys_with_owner(entry))


def undeclared_below(
    entry: DataType, chain: Chain, models: Models, *, orphaned: bool = False
) -> Iterator[CheckMessage]:
    """Yield an error for each undeclared foreign key to the model at the end of the chain, and below its children."""
    parent, children = chain[-1]
    is_again = parent in [model for model, _ in chain[:-1]]
    declared = {field_of(child.model, child.field) for child in children}
    for field in foreign_keys_to(parent, models):
        # A model that references itself appears below itself, and is declared once.
        if field not in declared and not (is_again and field.model is parent):
            yield Error(
                f"{path_of(field)} references rows that a transfer of {entry.name} may delete.",
                hint=how_to_declare(entry, parent, field),
                id="transfers.E006",
            )
    for child in children:
        if can_lose_child_rows(entry, child, orphaned=orphaned):
            goes = goes_with_parent(entry, child, orphaned=orphaned)
            below = (child.model, child.children)
            yield from undeclared_below(entry, [*chain, below], models, orphaned=goes)


def how_to_declare(entry: DataType, parent: type[Model], field: "ForeignKey[Any, Any]") -> str:
    model = field.model
    detach = to_detach(str(field.column), model.__name__, field.name) if field.null else ""
    if model is parent:
        return KEEP_TREES + detach
    lines = f"""Declare it in the DataType {entry.name!r}, under {parent._meta.label}:
    from {model.__module__} import {model._meta.object_name}
    children=(Child({model._meta.object_name}, "{field.name}"),)"""
    return lines + detach


def to_detach(column: str, model: str, field: str) -> str:
    return (
        f"\nIf those rows must stay, let {column} be set to NULL in them instead:\n"
        f'    children=(Child({model}, "{field}", detached=True),)'
    )


def goes_with_parent(entry: DataType, child: Child, *, orphaned: bool = False) -> bool:
    """Return whether rows of the child may be deleted because their parent is.

    orphaned: the parent goes with its own, so that no row takes its place.
    """
    with_parent = orphaned or child.goes_with_parent or entry.overwrites or entry.drops_self_edges
    return with_parent and not child.detached


def can_lose_child_rows(entry: DataType, child: Child, *, orphaned: bool = False) -> bool:
    """Return whether a transfer may delete rows of this child model.

    Rows that are re-pointed to another parent are deleted only if they conflict on a unique key.
    """
    if child.detached:
        return False
    return goes_with_parent(entry, child, orphaned=orphaned) or bool(keys_with(child.model, {child.field}))


def keys_with_owner(entry: DataType) -> list[list[str]]:
    """Return the unique keys that contain an owner, so that rows of two users can conflict on them."""
    return keys_with(entry.model, {owner.field for owner in entry.owners})
