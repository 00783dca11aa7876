"""Log formats, and filters that keep out forged records and personal data."""

import logging
import re
from types import TracebackType

from django.core.exceptions import BadRequest, ImproperlyConfigured, PermissionDenied, SuspiciousOperation
from django.http.multipartparser import MultiPartParserError

# PostgreSQL quotes the values of a row that violates a constraint, which may be names or addresses. In the repr of
# an error, the lines of PostgreSQL's message are separated by a literal "\\n".
DETAIL = re.compile(r"(DETAIL|CONTEXT):(?:(?!\\n).)*")
FORMATTERS: dict[str, dict[str, str]] = {
    "line": {
        "()": "transfer_site.logs.OneLineFormatter",
        "format": "{asctime} {levelname} {name}: {message}",
        "style": "{",
    },
    "json": {"()": "operations.monitoring.logs.OneJsonObject"},
}
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
# Those that Django answers with 400 or 403.
REFUSALS = (BadRequest, MultiPartParserError, PermissionDenied, SuspiciousOperation)
QUERY = re.compile(r"\?\S*")


def known_format(name: str) -> str:
    """Return the name of a log format unchanged. Raises ImproperlyConfigured if it is unknown."""
    if name not in FORMATTERS:
        raise ImproperlyConfigured(
            f"LOG_FORMAT is {name!r}. Set it to line (for people) or json (for machines)."
        )
    return name


class OneLineFormatter(logging.Formatter):
    """Writes each record on one line, so that text from outside, such as a file name, cannot forge a second record.

    A traceback follows its record on separate lines.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        return on_one_line(without_values(super().formatMessage(record)))

    def formatException(self, ei: ExcInfo) -> str:
        return without_values(super().formatException(ei))


def on_one_line(text: str) -> str:
    """Escape control characters, such as "\\x1b", and everything that a viewer may treat as the end of a line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else escaped(char) for char in text)


def escaped(char: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char) or char.encode("unicode_escape").decode()


def without_values(text: str) -> str:
    """Replace the row values that PostgreSQL quotes in DETAIL and CONTEXT lines."""
    return DETAIL.sub(r"\1: (not logged)", text)


class WithoutQueries(logging.Filter):
    """Removes query strings, which may contain searched names, from the development server's request lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(QUERY.sub("", arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


class WithoutTracebackOfRefusals(logging.Filter):
    """Removes the tracebacks of requests that were refused as intended, with which anyone could fill the disk."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], REFUSALS):
            record.exc_info = record.exc_text = None
        return True


class WithoutDueTasks(logging.Filter):
    """Drops the message that beat logs for each due task, several times a minute."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Sending due task" not in str(record.msg)
