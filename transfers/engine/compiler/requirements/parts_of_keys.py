"""What a unique key does with a column: it is a part, it is inside an expression, or only the condition asks for it."""

import re
from collections.abc import Iterable

from psycopg import sql

from transfers.engine.catalog.tables import Key, Table, unquoted

AND_OR_PARENTHESIS = re.compile(r"[()]| AND ")
# A literal or a quoted name, each of which may contain the other's quote.
IN_QUOTES = re.compile(r"'(?:[^']|'')*'" r'|"(?:[^"]|"")*"')


def parts_of(key: Key) -> set[str]:
    """Return the parts of the key, unquoted. A part that is an expression matches no column."""
    return set(map(unquoted, key.expressions))


def is_only_in_condition(key: Key, table: Table, column: str) -> bool:
    return column not in parts_of(key) and not is_in_expression(key, table, column)


def is_in_expression(key: Key, table: Table, column: str) -> bool:
    """Return whether a part of the key is computed from the column."""
    parts = (part for part in key.expressions if unquoted(part) != column)
    return any(mentions(part, table, column) for part in parts)


def clashing_keys(table: Table, columns: Iterable[str]) -> tuple[Key, ...]:
    """Return the keys by which two rows can conflict because users in these columns are replaced by others.

    That does not change whether there is one, for which the condition of a key may ask.
    """
    columns = list(columns)
    return tuple(
        key
        for key in table.keys_with(columns)
        if not all(
            is_only_in_condition(key, table, column) and ignores_user(key, table, column)
            for column in columns
        )
    )


def allows_null(key: Key, table: Table, column: str) -> bool:
    """Return whether a row that loses its value in the column can conflict with no other row."""
    if column in parts_of(key):
        return not key.nulls_equal
    required = without(key.predicate, column, "IS NOT NULL")
    return (
        not is_in_expression(key, table, column)
        and "()" in conjuncts(required)
        and not mentions(required, table, column)
    )


def conjuncts(condition: str) -> list[str]:
    """Return the conditions, as PostgreSQL prints them, that must all be true for this one. It prints AND in
    parentheses, with parentheses around each condition that is more than a name.
    """
    masked = IN_QUOTES.sub(lambda quoted: "_" * len(quoted[0]), condition)
    if not (masked.startswith("(") and masked.endswith(")")):
        return [condition]
    parts, start, depth = [], 1, 0
    for found in AND_OR_PARENTHESIS.finditer(masked, 1, len(masked) - 1):
        depth += (found[0] == "(") - (found[0] == ")")
        if depth < 0:
            return [condition]  # its first parenthesis does not belong to its last one
        if found[0] == " AND " and not depth:
            parts.append(condition[start : found.start()])
            start = found.end()
    if not parts:
        return [condition]
    return [each for part in (*parts, condition[start:-1]) for each in conjuncts(part)]


def ignores_user(key: Key, table: Table, column: str) -> bool:
    """Return whether the condition of the key asks at most whether the column has a value."""
    rest = without(without(key.predicate, column, "IS NOT NULL"), column, "IS NULL")
    return not mentions(rest, table, column)


def without(condition: str, column: str, test: str) -> str:
    """Return the condition, as PostgreSQL prints it, without this test of the column."""
    for name in (column, in_quotes(column)):
        condition = condition.replace(f"({name} {test})", "()")
    return condition


def mentions(expression: str, table: Table, column: str) -> bool:
    """Return whether an expression, as PostgreSQL prints it, uses the column or one that is generated from it."""
    derived = (name for name, source in table.generated.items() if uses(source, column))
    return any(uses(expression, name) for name in (column, *derived))


def uses(expression: str, column: str) -> bool:
    if in_quotes(column) in IN_QUOTES.findall(expression):
        return True
    return re.search(rf"(?<![\w$]){re.escape(column)}(?![\w$(])", IN_QUOTES.sub("''", expression)) is not None


def in_quotes(column: str) -> str:
    return sql.Identifier(column).as_string(None)
