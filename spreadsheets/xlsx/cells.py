"""Turns the stored value of a cell into text, without converting numbers to floats."""

import re
from datetime import datetime, timedelta
from fractions import Fraction

_SERIAL = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,30})?")
_LAST_DAY = 2_958_465  # 31 December 9999
_FEBRUARY_1900 = 60  # Excel counts a 29 February 1900, which did not exist
_DAY = 24 * 60 * 60


def date_text(value: str, *, from_1904: bool) -> str:
    """Return the date, time or both that a spreadsheet shows for a number: 2019-01-03, 12:00 or 2019-01-03 12:00.

    The text is never a number, so that it cannot be mistaken for an ID. The argument is a number as it is stored.
    """
    if not _SERIAL.fullmatch(value):
        return not_a_number(value)
    seconds = round(Fraction(value) * _DAY)
    days, time = divmod(seconds, _DAY)
    if days > _LAST_DAY - (1462 if from_1904 else 0):
        return not_a_number(value)
    if not days and not from_1904:
        return _time_text(time)
    start = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 31 if days < _FEBRUARY_1900 else 30)  # noqa: DTZ001
    day = f"{start + timedelta(days=days):%Y-%m-%d}"
    return f"{day} {_time_text(time)}" if time else day


def not_a_number(value: str) -> str:
    return value if "-" in value[1:] or ":" in value or not value else f"date {value}"


def _time_text(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{rest:02}" if rest else text


def boolean_text(value: str) -> str:
    return {"1": "TRUE", "0": "FALSE"}.get(value, value.upper())


def column_of(letters: str) -> int:
    """Return the position of a column, counted from 0: A is 0, AB is 27. Anything else gives -1."""
    position = 0
    for letter in letters:
        if not "A" <= letter <= "Z" or position > 1000:
            return -1
        position = position * 26 + ord(letter) - 64
    return position - 1
