"""How a column stores an attribute of a user, such as the external ID: as text, or as a value of its own type.

The stage holds each attribute as text and as a value of the other types, so that the column is compared in its own type
and its index is used. A text is staged as a value only if it is what the type prints ("7", not "07") and
compares (no blanks at the end of a text in char(n)): otherwise two users could have the same value.
"""

import re
from dataclasses import dataclass

from transfers.engine.compiler.folds import INTEGER_RANGES, LONGEST_TEXT, length_of

# The longest text in bytes of types that would cut a longer one without an error.
CUT_AFTER = {"name": 63, '"char"': 1}
NUMERIC = re.compile(r"numeric(?:\((\d+),(-?\d+)\))?")


@dataclass(frozen=True)
class Form:
    """`suffix` follows the name of a column of the stage, "source" or "target".

    `fits` is the condition that the column can hold the value {value}, whose text is {text}; "" if it can hold every
    text.
    """

    suffix: str = ""
    fits: str = ""

    @property
    def is_text(self) -> bool:
        return self.suffix in ("", "_bpchar")


def form_of(sql_type: str) -> Form:
    """Return the form of a column, or of the elements of an array, by the type behind its domains.

    In a type that is not known here, such as an enumeration, the text is compared; the start-up check reports it if
    PostgreSQL cannot do so.
    """
    if sql_type in INTEGER_RANGES:
        low, high = INTEGER_RANGES[sql_type]
        return Form("_bigint", f"{{value}} BETWEEN {low} AND {high}")
    if sql_type == "uuid":
        return Form("_uuid", "{value} IS NOT NULL")
    if match := NUMERIC.fullmatch(sql_type):
        return Form("_numeric", numeric_fits(match[1], match[2]))
    if sql_type in CUT_AFTER:
        return Form("", f"octet_length({{text}}) <= {CUT_AFTER[sql_type]}")
    length = length_of(sql_type)
    fits = f"length({{text}}) <= {length}" if length < LONGEST_TEXT else ""
    if sql_type.startswith("character("):  # a text would be compared as text, without the index
        return Form("_bpchar", f"{fits} AND {{value}} IS NOT NULL")
    return Form("", fits)


def numeric_fits(precision: str | None, scale: str | None) -> str:
    if precision is None or scale is None:
        return "{value} IS NOT NULL"
    digits = int(precision) - int(scale)
    return f"abs({{value}}) < 10::numeric ^ {digits} AND {{value}} = round({{value}}, {int(scale)})"
