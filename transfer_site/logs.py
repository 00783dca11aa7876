"""What log lines look like, and what is kept out of them: forged records, and what people typed or are called."""

import logging
import re
from types import TracebackType

from django.core.exceptions import ImproperlyConfigured

# PostgreSQL tells the values of the row that broke a rule, an address or a name among them.
# In a repr its lines are parted by a written "\\n".
DETAIL = re.compile(r"(DETAIL|CONTEXT):(?:(?!\\n).)*")
FORMATTERS: dict[str, dict[str, str]] = {
    "line": {
        "()": "transfer_site.logs.OneLineFormatter",
        "format": "{asctime} {levelname} {name}: {message}",
        "style": "{",
    },
    "json": {"()": "operations.logs.OneJsonObject"},
}
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
QUERY = re.compile(r"\?\S*")


def known_format(name: str) -> str:
    """LOG_FORMAT; raises ImproperlyConfigured when there is none of this name."""
    if name not in FORMATTERS:
        raise ImproperlyConfigured(f"LOG_FORMAT is {name!r}. Write line (for people) or json (for machines).")
    return name


class OneLineFormatter(logging.Formatter):
    """One record, one line: text from outside (a file name, a user's name) cannot forge a second record.

    Tracebacks keep their lines; they follow the record they belong to.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        return on_one_line(without_values(super().formatMessage(record)))

    def formatException(self, ei: ExcInfo) -> str:
        return without_values(super().formatException(ei))


def on_one_line(text: str) -> str:
    """Every character that some viewer takes for the end of a line, and every other control, in writing: "\\x0a"."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else escaped(char) for char in text)


def escaped(char: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char) or char.encode("unicode_escape").decode()


def without_values(text: str) -> str:
    """Without the lines in which PostgreSQL quotes the row."""
    return DETAIL.sub(r"\1: (not logged)", text)


class WithoutQueries(logging.Filter):
    """For the request lines of the development server: what was searched for stays out of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(QUERY.sub("", arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


class WithoutDueTasks(logging.Filter):
    """For the clock, which would say four times a minute, for each of its tasks, that it was due."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Sending due task" not in str(record.msg)
