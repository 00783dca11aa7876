"""Settings about the organisation's own tables: the view of its people, the column that references them, schemas."""

import re
from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured

Names = tuple[str, ...]

# A name of PostgreSQL: quoted, in which "" stands for a quote, or plain, which PostgreSQL reads in lower case.
NAME = re.compile(r'"(?P<quoted>(?:[^"\x00]|"")+)"|(?P<plain>[^\W\d][\w$]*)')
COLUMNS = (
    "person_id",
    "tenant",
    "user_name",
    "email",
    "first_name",
    "last_name",
    "team",
    "active",
    "employee_id",
)


def names(setting: str, text: str, example: str) -> Names:
    """Return the parts of a name with dots, such as suite.person or "Suite"."Person". Raises ImproperlyConfigured."""
    parts, place = [], 0
    while match := NAME.match(text, place):
        parts.append(match["plain"].lower() if match["plain"] else match["quoted"].replace('""', '"'))
        place = match.end() + 1
        if match.end() == len(text):
            return tuple(parts)
        if text[match.end()] != ".":
            break
    raise ImproperlyConfigured(
        f"{setting} is {text!r}, which is not a name of PostgreSQL. Write it as in SQL, for example {example};"
        ' names with capitals or other signs in quotes: "Suite"."Person".'
    )


def view(text: str) -> Names:
    found = names("PEOPLE_VIEW", text, "suite.transfer_people")
    if len(found) > 2:
        raise ImproperlyConfigured(
            f"PEOPLE_VIEW is {text!r}. Name the schema and the view, for example suite.transfer_people."
        )
    return found


def schema(text: str) -> str:
    """Return the name of the schema for the site's own tables. Raises ImproperlyConfigured."""
    found = names("APP_SCHEMA", text, "transfer")
    if len(found) != 1 or found[0].startswith("pg_") or found[0] == "information_schema":
        raise ImproperlyConfigured(
            f"APP_SCHEMA is {text!r}. Name a schema of its own for the tables of this site, for example transfer."
        )
    return found[0]


def key(text: str) -> Names:
    """Return schema, if named, table and column of PEOPLE_KEY; () if it is not set."""
    found = names("PEOPLE_KEY", text, "suite.person.person_id") if text else ()
    if text and len(found) not in (2, 3):
        raise ImproperlyConfigured(
            f"PEOPLE_KEY is {text!r}. Name the table and its column, with the schema: suite.person.person_id."
        )
    return found


def columns(text: str) -> Mapping[str, str]:
    """Return the view's column for each that is read: `person_id=id,user_name="Login"` names two of them."""
    found = {name: name for name in COLUMNS}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, equals, column = (part.strip() for part in entry.partition("="))
        parts = names("PEOPLE_COLUMNS", column, "person_id=id") if equals else ()
        if len(parts) != 1 or name not in COLUMNS:
            raise ImproperlyConfigured(
                f"PEOPLE_COLUMNS: {entry!r} is not name=column. The names are {', '.join(COLUMNS)}; write for example"
                " person_id=id,user_name=login."
            )
        [found[name]] = parts
    return found


def minutes(number: int) -> int:
    if number < 0:
        raise ImproperlyConfigured(
            f"SYNC_PEOPLE_MINUTES is {number}. Set it to the minutes between two runs of sync_people, or to 0 for none."
        )
    return number
