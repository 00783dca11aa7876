"""The SQL of each policy of `transfers.rules`: it decides which of the rows that share a unique key survives.

A policy is compiled to a sort order in which the first row is the winner. `_arrives` is 0 for a row that already
has the key. For a row that gets it through the mapping of its owners, it says how much of the row changes.
"""

from psycopg import sql

from transfers.engine.catalog.names import without_modifier
from transfers.rules import Best, Combine, DataType, KeepSource, KeepTarget, Latest, Merge, Policy, Rename


def policy_of(data_type: DataType) -> Policy:
    """Return the type's policy, or KeepTarget for a type that declares none because its rows cannot conflict."""
    rule = data_type.rule
    return (rule.on_clash if isinstance(rule, Combine) else None) or KeepTarget()


def policy_order(policy: Policy, by: sql.Identifier, by_type: str, arrives: sql.SQL) -> sql.Composable:
    """Return ORDER BY terms that put the row first that the policy prefers.

    by: the policy's column. by_type: its type. arrives: how far the row came to its key, see `kinds.arriving`.
    """
    match policy:
        case KeepSource():
            return sql.SQL("{} DESC").format(arrives)
        case Latest():
            return sql.SQL("{} DESC NULLS LAST, {}").format(by, arrives)
        case Best(ranking=ranking):
            ranks = sql.Literal(list(ranking))
            # As its type compares: 1.0 for 1. The start is stopped by a value that the type does not have.
            plain = sql.SQL("text" if by_type.startswith("character") else without_modifier(by_type))
            place = sql.SQL("array_position({0}::{1}[], {2}::{1})").format(ranks, plain, by)
            return sql.SQL("{} NULLS LAST, {}").format(place, arrives)
    return arrives


def outcome_of_loser(policy: Policy) -> str:
    """Return the outcome of a losing source row. The outcome of a losing target row is always 'replaced'."""
    return "merged" if isinstance(policy, Merge) else "dropped"


def column_of_policy(policy: Policy) -> str | None:
    """Return the field that the policy compares or renames, if any."""
    match policy:
        case Latest(by=field) | Best(by=field) | Rename(field=field):
            return field
    return None
