"""Words for the `datatypes.py` of an adopted app: questions that stop the start, and what was adopted.

    Question: undecided("suite.shift", "Combine or overwrite? …", Combine())
    Answer:     decided("suite.shift", "Combine or overwrite? …", Overwrite())

Both return the value, so a question is answered by one word, and by another value if the proposed one is wrong. Whoever
does not want to keep the question leaves only the value.
"""

import sys
from dataclasses import dataclass
from typing import TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Question:
    """An open question. `about` is "schema.table" or "schema.table.column", or several of them with ", " between them;
    `where` is its place in the file."""

    about: str
    text: str
    where: str


@dataclass(frozen=True)
class Adopted:
    """What `ADOPTED` in a `datatypes.py` declares.

    people: the column that identifies a person, as "schema.table.column". Foreign keys to it are decided in every
    schema. schemas: the schemas in which columns without a foreign key, such as `user_id`, are decided as well, or only
    in these tables, as "schema.table". found: further columns in which people were found by their values, as
    "schema.table.column".
    """

    people: str
    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


_open: dict[str, Question] = {}


def undecided(about: str, question: str, proposed: Value) -> Value:
    """Return the proposed value, and stop the start until the question is answered."""
    frame = sys._getframe(1)
    where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    _open[where] = Question(about.lower(), question, where)
    return proposed


def decided(about: str, question: str, value: Value) -> Value:
    """Return the value. The question stays in the file for those who read it later."""
    return value


def open_questions() -> list[Question]:
    """Return the questions that nobody answered, of all `datatypes.py` that were imported."""
    return list(_open.values())
