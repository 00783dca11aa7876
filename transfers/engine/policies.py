"""Which row survives where a unique key allows only one: the SQL of each policy of `transfers.rules`.

A policy is an order: the first row of those that share a key is the winner. `_arrives` is false for a row that has the
key already and true for one that only gets it by the mapping.
"""

from collections.abc import Sequence

from psycopg import sql

from transfers.rules import Best, Combine, DataType, KeepSource, KeepTarget, Latest, Merge, Policy, Rename


def policy_of(data_type: DataType) -> Policy:
    """The type's policy; where it has none no key can clash, and what the target has would be kept."""
    rule = data_type.rule
    return (rule.on_clash if isinstance(rule, Combine) else None) or KeepTarget()


def winner_first(policy: Policy, by: str, order: Sequence[str]) -> sql.Composed:
    """The order of the rows that share a key, the winner first.

    by: the name of the policy's column. order: the names of the primary key's parts, which decide at last.
    """
    last = sql.SQL(", ").join(sql.Identifier(name) for name in order)
    return sql.SQL("{}, {}").format(first_of_all(policy, sql.Identifier(by)), last)


def first_of_all(policy: Policy, by: sql.Identifier) -> sql.Composable:
    match policy:
        case KeepSource():
            return sql.SQL("_arrives DESC")
        case Latest():
            return sql.SQL("{} DESC NULLS LAST, _arrives").format(by)
        case Best(ranking=ranking):
            ranks = sql.Literal(list(ranking))
            return sql.SQL("array_position({}::text[], {}::text) NULLS LAST, _arrives").format(ranks, by)
    return sql.SQL("_arrives")


def fate_of_loser(policy: Policy) -> str:
    """What becomes of a losing row of the source; a losing row of the target is always replaced."""
    return "merged" if isinstance(policy, Merge) else "dropped"


def column_of_policy(policy: Policy) -> str | None:
    """The field that the policy looks at, if any."""
    match policy:
        case Latest(by=field) | Best(by=field) | Rename(field=field):
            return field
    return None
