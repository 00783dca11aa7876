"""Reads the stored details of an event, whatever they are."""

import json
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 20  # lists and objects in each other; our own events have four


class AnyDetails(json.JSONDecoder):
    """Returns the JSON text itself if Python cannot hold its value: numbers of thousands of digits, deep nesting.

    PostgreSQL stores such values. An event cannot be removed, so one that cannot be read would break its page forever.
    """

    def decode(self, s: str, *args: Any) -> Any:
        try:
            value = super().decode(s, *args)
        except (ValueError, RecursionError):
            return s
        return s if is_deeper(value, MAX_DEPTH) else value


def is_deeper(value: Any, depth: int) -> bool:
    inner: Iterable[Any] = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    return depth < 0 or any(is_deeper(part, depth - 1) for part in inner)
