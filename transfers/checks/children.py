"""Start-up check of child models: every foreign key to rows that a transfer may delete must be declared."""

from collections.abc import Iterable, Iterator, Sequence

from django.core.checks import CheckMessage, Error
from django.db.models import Model

from transfers.checks.introspection import field_of, foreign_keys_to, path_of, unique_keys
from transfers.rules import Child, Combine, DataType, Overwrite, Rename

Models = Sequence[type[Model]]


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
    """Yield an error for each undeclared foreign key to rows that a transfer may delete, at this level and below."""
    declared = {field_of(child.model, child.field) for child in children}
    for field in foreign_keys_to(parent, models):
        if field not in declared:
            yield Error(
                f"{path_of(field)} references rows that a transfer of {entry.name} may delete.",
                hint=f"Declare it in the DataType {entry.name!r}, under {parent._meta.label}:\n"
                f'    children=(Child({field.model._meta.object_name}, "{field.name}"),)',
                id="transfers.E006",
            )
    for child in children:
        if can_lose_child_rows(entry, child):
            yield from undeclared_below(entry, child.model, child.children, models)


def can_lose_child_rows(entry: DataType, child: Child) -> bool:
    """Return whether a transfer may delete rows of this child model.

    Rows that are re-pointed to another parent are deleted only if they conflict on a unique key.
    """
    with_parent = child.goes_with_parent or isinstance(entry.rule, Overwrite) or entry.drop_self_edges
    return with_parent or any(child.field in key for key in unique_keys(child.model))


def keys_with_owner(entry: DataType) -> list[list[str]]:
    """Return the unique keys with an owner field. After a change of owner, rows can conflict on these keys."""
    names = {owner.field for owner in entry.owners}
    return [key for key in unique_keys(entry.model) if names & set(key)]


def all_children(children: Iterable[Child]) -> Iterator[Child]:
    for child in children:
        yield child
        yield from all_children(child.children)
