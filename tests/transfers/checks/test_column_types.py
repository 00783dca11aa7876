"""Columns of another type than declared: the hint names a remedy after which the check is green."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.core.checks import CheckMessage
from django.db import models

from tests.transfers.checks.declaring import change, entry, only, paste, table
from transfers.checks.catalog.reading import read_catalog
from transfers.checks.database import not_compiled
from transfers.models import JournalEntry
from transfers.rules import (
    ArrayColumn,
    Column,
    Combine,
    Concatenate,
    DataType,
    FillBlank,
    JsonPath,
    KeepTarget,
    Latest,
    Max,
    Merge,
    Or,
    Polymorphic,
    Rename,
    Rule,
    Sum,
)

pytestmark = pytest.mark.django_db


def fields() -> dict[str, models.Field]:
    return {
        "user": models.BigIntegerField(db_column="user_id"),
        "tenant": models.BigIntegerField(db_column="tenant_id"),
        "kind": models.TextField(),
        "readers": ArrayField(models.BigIntegerField()),
        "document": models.JSONField(),
        "value": models.TextField(),
    }


def refused(notes: DataType) -> list[CheckMessage]:
    catalog = read_catalog([notes.model, JournalEntry])
    return list(not_compiled([notes], catalog))


def make(unique: str = "", **types: str) -> None:
    """Create the table, with a unique key of the user and another column if one is named."""
    columns = {
        "user_id": "bigint",
        "tenant_id": "bigint",
        "kind": "text",
        "readers": "bigint[]",
        "document": "jsonb",
        "value": "text",
        **types,
    }
    listed = ", ".join(f"{name} {sql_type}" for name, sql_type in columns.items())
    key = f", UNIQUE (user_id, {unique})" if unique else ""
    change(f"CREATE TABLE note (id bigint PRIMARY KEY, {listed}{key});")


def notes(*owners: Any, rule: Rule | None = None) -> DataType:
    return entry(table(**fields()), *owners, rule=rule or Combine(KeepTarget()))


BY_NUMBER = Column("user", holds="employee_id", tenant="tenant")


@pytest.mark.parametrize(
    ("types", "owner"),
    [
        ({"user_id": "date"}, BY_NUMBER),
        ({"user_id": "real"}, BY_NUMBER),
        ({"user_id": "text"}, Column("user")),
        ({"user_id": "varchar(20)"}, Column("user")),
        ({"readers": "text[]"}, ArrayColumn("readers")),
        ({"document": "json"}, JsonPath("document", "ids")),
        ({"user_id": "bigint GENERATED ALWAYS AS IDENTITY"}, Column("user")),
    ],
)
def test_the_statement_changes_the_column(types: dict[str, str], owner: Any) -> None:
    make(**types)
    declared = notes(owner)
    error = only(refused(declared))
    assert error.id == "transfers.E105"
    paste(error.hint)
    assert refused(declared) == []


@pytest.mark.parametrize(
    ("sql_type", "as_text", "word"), [("text", False, "Add"), ("bigint", True, "Remove")]
)
def test_an_id_as_text_or_as_number(sql_type: str, as_text: bool, word: str) -> None:
    make(user_id=sql_type)
    owner = Polymorphic("user", "kind", "user", as_text=as_text)
    error = only(refused(notes(owner)))
    assert f"{word} as_text=True" in str(error.hint)
    assert refused(notes(replace(owner, as_text=not as_text))) == []


@pytest.mark.parametrize(("types", "owner"), [("uuid", Column("user")), ("date", Column("user"))])
def test_a_column_that_cannot_hold_an_id(types: str, owner: Column) -> None:
    make(user_id=types)
    hint = str(only(refused(notes(owner))).hint)
    assert "as_text" not in hint
    assert "Remove the owner" in hint


@pytest.mark.parametrize(
    ("sql_type", "rule"),
    [
        ("integer", Merge({"value": Concatenate()})),
        ("integer", Merge({"value": Or()})),
        ("jsonb", Merge({"value": Max()})),
        ("text[]", Merge({"value": Sum()})),
    ],
)
def test_a_fold_that_does_not_fit(sql_type: str, rule: Merge) -> None:
    make("kind", value=sql_type)
    hint = str(only(refused(notes(rule=Combine(rule)))).hint)
    assert f"does not work for value of type {sql_type}. FillBlank() works for every type" in hint
    assert refused(notes(rule=Combine(Merge({"value": FillBlank()})))) == []


@pytest.mark.parametrize(("sql_type", "rule"), [("integer", Rename("value")), ("json", Latest("document"))])
def test_a_policy_that_does_not_fit(sql_type: str, rule: Any) -> None:
    make("value" if isinstance(rule, Rename) else "kind", **{getattr(rule, "by", "value"): sql_type})
    error = only(refused(notes(rule=Combine(rule))))
    assert "Combine(on_clash=KeepTarget())" in str(error.hint)
    assert refused(notes(rule=Combine(KeepTarget()))) == []


def test_a_kind_that_the_type_lacks() -> None:
    change("CREATE TYPE kinds AS ENUM ('team', 'person')")
    make(kind="kinds")
    assert "Name a value that the type has" in str(
        only(refused(notes(Polymorphic("user", "kind", "user")))).hint
    )
    assert refused(notes(Polymorphic("user", "kind", "person"))) == []
