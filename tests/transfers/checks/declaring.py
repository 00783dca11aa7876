"""Models, tables and data types that a test makes up, and what the checks find in them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.db import connection, models
from django.db.models import Model

from accounts.models import User
from tests.fixtures.roles import as_owner
from transfer_site.run.embedded import APPLICATION
from transfers.checks.catalog.reading import read_catalog
from transfers.checks.database import all_models, findings
from transfers.registry import not_transferred
from transfers.rules import Column, Combine, DataType

# A table in which nothing is found.
NOTE = """
CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint NOT NULL, day date, title text, parent_id bigint);
CREATE INDEX ON note (user_id);
"""
PAGE = """
CREATE TABLE page (id bigint PRIMARY KEY, note_id bigint NOT NULL);
CREATE INDEX ON page (note_id);
"""


def to_user(**options: Any) -> models.ForeignKey:
    return models.ForeignKey(User, models.PROTECT, related_name="+", **options)


def model(name: str = "Note", meta: dict | None = None, **fields: Any) -> type[Model]:
    inner = type("Meta", (), {"app_label": "quality", **(meta or {})})
    return type(name, (Model,), {"__module__": __name__, "Meta": inner, **fields})


def table(name: str = "note", **fields: Any) -> type[Model]:
    """Return an unmanaged model of a table. Without fields, it has the column of the user only."""
    title = re.sub(r"\W", "", name).title()
    return model(title, {"managed": False, "db_table": name}, **(fields or {"user": to_user()}))


def child_of(parent: type[Model], name: str = "page", field: str = "note", **options: Any) -> type[Model]:
    return table(name, **{field: models.ForeignKey(parent, models.DO_NOTHING, related_name="+", **options)})


def entry(of: type[Model], *owners: Any, rule: Any = None, **facts: Any) -> DataType:
    return DataType("Notes", of, owners or (Column("user"),), rule or Combine(), "Notes.", **facts)


def change(statements: str) -> None:
    """Run DDL as the owner of the tables, and grant the application's role access to new tables."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statements)
        for name in re.findall(r'CREATE (?:FOREIGN )?TABLE ((?:"[^"]+"|[\w.])+)', statements):
            cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {APPLICATION}")


def paste(hint: str | None) -> None:
    """Run the statements of a hint, which are its indented lines."""
    change("\n".join(line for line in str(hint).splitlines() if line.startswith("    ")))


def found(*entries: DataType, stays: Mapping[str, str] | None = None) -> list[CheckMessage]:
    """Return what the check of the database finds, without preparing statements."""
    own = all_models(entries)
    known = [*apps.get_models(include_auto_created=True), *own]
    catalog = read_catalog(own, [*known, User])
    return list(findings(entries, not_transferred() if stays is None else stays, known, catalog))


def ids(messages: Iterable[CheckMessage]) -> list[str]:
    return [str(message.id) for message in messages]


def only(messages: Iterable[CheckMessage]) -> CheckMessage:
    (message,) = messages
    return message
