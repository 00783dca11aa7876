"""Suspect a column of targets that was sorted on its own or filled by dragging, whatever it names users by.

The file cannot prove it, so the person has to compare the rows.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from transfers.people_csv import TO_USER_ID, Row, bare_text
from transfers.validation import problem_kinds
from transfers.validation.identifiers import OPEN
from wording.normal_form import normalized
from wording.problems import Problem, Sentence

SUSPICIOUS_ROWS = 5  # so many targets in order are rarely a coincidence
# One neighbour in so many may be out of order: it was corrected afterwards, or the program sorts in another order.
NEIGHBOURS = 20
LONGEST = 200  # characters that are compared
NUMBER = re.compile(r"([0-9]{1,18})")

Targets = Sequence[tuple[int, int | str]]  # (row number, ID or text) of each row, in the order of the file


def written_targets(rows: Sequence[Row]) -> Targets:
    """Return the targets as they stand in the file: IDs, or the texts that name users or may do so."""
    targets = ((row.number, written_target(row)) for row in rows)
    return [(number, target) for number, target in targets if target]


def written_target(row: Row) -> int | str | None:
    if row.to_id is not None:
        return row.to_id
    if row.to_identifiers:
        return row.to_identifiers[0][1][:LONGEST]
    may_be_name = any(p.column == TO_USER_ID and p.code in OPEN for p in row.problems)
    return bare_text(row.to_text)[:LONGEST] if may_be_name else None


def target_column(rows: Sequence[Row]) -> str:
    """Return the column in which the first target stands."""
    beside = (row.to_identifiers[0][0] for row in rows if row.to_id is None and row.to_identifiers)
    return next(beside, TO_USER_ID)


def suspicion(targets: Targets, *, blank: int, blank_above: int, column: str = TO_USER_ID) -> Problem | None:
    """Return a warning if the targets look as if their column was filled by dragging or sorted on its own, or None.

    `blank` is the number of rows without a target, and `blank_above` the number of those that have one below them.
    """
    named = Sentence(column)
    if run := longest_run(targets):
        return problem_kinds.FILLED(count=len(run), first=run[0][0], named=named)
    if blank and not blank_above and is_sorted([target for _, target in targets]):
        return problem_kinds.SORTED_ALONE(count=len(targets), named=named)
    return None


# --- Filled by dragging ----------------------------------------------------------------------------------------------


def longest_run(targets: Targets) -> Targets:
    """Return the longest run of neighbours that rise by one or fall by one, or () if it is too short."""
    longest: Targets = ()
    texts = [NUMBER.split(str(target)) for _, target in targets]
    steps = [0, *map(step, texts, texts[1:]), 0]  # steps[n] leads from the target before n to n
    for wanted in (1, -1):
        start = 0
        for end in range(1, len(targets) + 1):
            if steps[end] != wanted:
                longest = max(longest, targets[start:end], key=len)
                start = end
    return longest if len(longest) >= SUSPICIOUS_ROWS else ()


def step(parts: Sequence[str], following: Sequence[str]) -> int:
    """Return by how much the number in the text rises, or 0 if anything else differs. Numbers are every second part."""
    if len(parts) != len(following):
        return 0
    differing = [n for n, part in enumerate(parts) if part != following[n]]
    if len(differing) != 1 or not differing[0] % 2:
        return 0
    return int(following[differing[0]]) - int(parts[differing[0]])


# --- Sorted on its own -----------------------------------------------------------------------------------------------


def is_sorted(targets: Sequence[int | str]) -> bool:
    """Return whether the targets are nearly in order, in either direction, as numbers or as texts.

    Programs compare texts in different ways.
    """
    return len(targets) >= SUSPICIOUS_ROWS and any(in_order([*map(key, targets)]) for key in KEYS)


def in_order(keys: Sequence[Any]) -> bool:
    neighbours = list(pairwise(keys))
    allowed = len(keys) // NEIGHBOURS
    return any(
        count <= allowed for count in (sum(a > b for a, b in neighbours), sum(a < b for a, b in neighbours))
    )


def as_number(target: int | str) -> tuple[int, str]:
    """Order numbers before texts."""
    return (target, "") if isinstance(target, int) else (2**63, target.casefold())


def as_in_a_dictionary(target: int | str) -> str:
    """Return only letters and digits, without accents. Also orders IDs as texts."""
    return "".join(filter(str.isalnum, decomposed(target)))


def as_in_unicode(target: int | str) -> list[tuple[bool, str]]:
    """Order punctuation before digits and letters, as the Unicode collation does."""
    plain = (char for char in decomposed(target) if not unicodedata.combining(char))
    return [(char.isalnum(), char) for char in plain]


def decomposed(target: int | str) -> str:
    return normalized("NFKD", str(target).casefold())


KEYS: tuple[Callable[[int | str], Any], ...] = (as_number, as_in_a_dictionary, as_in_unicode)
