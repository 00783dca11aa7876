"""Requirements of the rule for rows whose first two owners become the same user (`DataType.self_edges`)."""

from collections.abc import Sequence
from typing import get_args

from transfers.engine.catalog.tables import Table
from transfers.engine.compiler.owners import OwnerSql
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.rules import DataType, SelfEdges


def self_edges_are_decided(data_type: DataType, table: Table, owners: Sequence[OwnerSql]) -> None:
    """Raise `CannotCompile` if the rule for rows whose first two owners become one user cannot be followed."""
    rule = data_type.self_edges
    if rule not in get_args(SelfEdges):
        allowed = ", ".join(get_args(SelfEdges))
        raise CannotCompile(data_type, f"self_edges={rule!r} is no rule.", f"Choose one of: {allowed}.")
    if (rule != "keep" or data_type.same_user) and len(owners) < 2:
        raise CannotCompile(
            data_type,
            "self_edges and same_user are about rows with two owners, but one is declared.",
            "Declare the column of the second user as an owner, or remove them.",
        )
    if rule in ("clear", "drop") and not all(owner.is_scalar for owner in owners[:2]):
        raise CannotCompile(
            data_type,
            f'self_edges="{rule}" needs two owners that hold one user each, not lists, which hold others too.',
            'Choose "keep" or "refuse".',
        )
    if rule == "drop" and data_type.overwrites:
        raise CannotCompile(
            data_type,
            'with self_edges="drop", Overwrite would delete the target\'s rows although a row of the source that is'
            " dropped takes no one's place.",
            "Combine the type: Combine(on_clash=KeepSource()), or choose another rule for self_edges.",
        )
    if rule == "clear" and owners[1].column in table.required:
        raise CannotCompile(
            data_type,
            f'self_edges="clear" would empty {owners[1].column}, which is NOT NULL.',
            'Choose "keep", "drop" or "refuse", or let the column be empty.',
        )
