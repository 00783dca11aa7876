"""Indexes by which the rows of a user are found, and the statements that create those that are missing."""

import pytest
from django.contrib.postgres.fields import ArrayField
from django.core.checks import CheckMessage
from django.db import models

from tests.transfers.checks.declaring import NOTE, change, child_of, entry, found, ids, only, table
from transfers.rules import ArrayColumn, Child, Column, DataType, JsonPath, Overwrite, Polymorphic

pytestmark = pytest.mark.django_db


def create(warning: CheckMessage) -> None:
    """Run the statement of the hint, which a transaction allows only without CONCURRENTLY."""
    change(str(warning.hint).replace("CONCURRENTLY ", ""))


def assert_its_statement_helps(notes: DataType) -> CheckMessage:
    warning = only(found(notes))
    assert warning.id == "transfers.W101"
    create(warning)
    assert found(notes) == []
    return warning


def test_a_table_and_a_column_with_quoted_names() -> None:
    change('CREATE TABLE "Notes of all" ("Number" bigint PRIMARY KEY, "Owner ID" bigint)')
    columns = {
        "number": models.BigIntegerField(primary_key=True, db_column="Number"),
        "user": models.BigIntegerField(db_column="Owner ID"),
    }
    warning = assert_its_statement_helps(entry(table("Notes of all", **columns)))
    assert warning.hint == 'CREATE INDEX CONCURRENTLY ON "Notes of all" ("Owner ID");'


def test_a_table_in_another_schema() -> None:
    change("CREATE SCHEMA archive; GRANT USAGE ON SCHEMA archive TO transfer")
    change("CREATE TABLE archive.note (id bigint PRIMARY KEY, user_id bigint)")
    warning = assert_its_statement_helps(entry(table('"archive"."note"')))
    assert 'ON "archive"."note" ("user_id")' in str(warning.hint)


def test_a_partitioned_table_cannot_be_indexed_concurrently() -> None:
    change("CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint) PARTITION BY RANGE (id);")
    warning = assert_its_statement_helps(entry(table()))
    assert warning.hint == 'CREATE INDEX ON "note" ("user_id");'


def test_the_foreign_key_of_a_child() -> None:
    change(NOTE + "CREATE TABLE page (id bigint PRIMARY KEY, note_id bigint)")
    note = table()
    notes = entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))
    assert assert_its_statement_helps(notes).hint == 'CREATE INDEX CONCURRENTLY ON "page" ("note_id");'


@pytest.mark.parametrize(
    ("index", "finds"),
    [
        ("(object_id)", True),
        ("(kind, object_id)", True),
        ("(object_id, kind)", True),
        ("(kind)", False),
        ("(day, object_id)", False),
        ("(object_id) WHERE object_id IS NOT NULL", True),
        ("(object_id) WHERE day IS NOT NULL", False),
        ("(object_id) WHERE object_id > 5", False),
        ("(object_id, day) WHERE kind = 'user'", True),
        ("(object_id) WHERE kind = 'team'", False),
        ("(object_id) WHERE kind = 'user' AND object_id IS NOT NULL", False),
        ("USING hash (object_id)", True),
        ("USING brin (object_id)", False),
        ("((object_id + 0))", False),
    ],
)
def test_indexes_of_a_polymorphic_owner(index: str, finds: bool) -> None:
    change("CREATE TABLE note (id bigint PRIMARY KEY, kind text, object_id bigint, day date);")
    change(f"CREATE INDEX ON note {index}")
    note = table(kind=models.TextField(), object=models.BigIntegerField(db_column="object_id"))
    notes = entry(note, Polymorphic("object", kind_field="kind", kind="user"))
    if finds:
        assert found(notes) == []
    else:
        assert_its_statement_helps(notes)


@pytest.mark.parametrize(
    ("index", "finds"), [("(tenant_id, number)", True), ("(number)", True), ("(day, number)", False)]
)
def test_indexes_of_an_attribute(index: str, finds: bool) -> None:
    change("CREATE TABLE note (id bigint PRIMARY KEY, tenant_id bigint, number text, day date);")
    change(f"CREATE INDEX ON note {index}")
    note = table(number=models.TextField(), tenant=models.BigIntegerField(db_column="tenant_id"))
    notes = entry(note, Column("number", holds="employee_id", tenant="tenant"))
    assert ids(found(notes)) == ([] if finds else ["transfers.W101"])


@pytest.mark.parametrize("column", ["readers", "user"])
def test_only_a_gin_index_finds_a_list(column: str) -> None:
    """`user` is a word of SQL, which PostgreSQL quotes where it prints the index."""
    change(
        f'CREATE TABLE note (id bigint PRIMARY KEY, "{column}" bigint[]); CREATE INDEX ON note ("{column}")'
    )
    note = table(readers=ArrayField(models.BigIntegerField(), db_column=column))
    warning = assert_its_statement_helps(entry(note, ArrayColumn("readers")))
    assert warning.hint == f'CREATE INDEX CONCURRENTLY ON "note" USING gin ("{column}");'


@pytest.mark.parametrize("path", [(), ("ids",), ("to", "it's")])
@pytest.mark.parametrize("column", ["document", "order"])
def test_the_index_of_a_document(path: tuple[str, ...], column: str) -> None:
    change(f'CREATE TABLE note (id bigint PRIMARY KEY, "{column}" jsonb)')
    note = table(document=models.JSONField(db_column=column))
    assert_its_statement_helps(entry(note, JsonPath("document", *path)))


def test_an_index_of_another_path_does_not_help() -> None:
    change("CREATE TABLE note (id bigint PRIMARY KEY, document jsonb);")
    change("CREATE INDEX ON note USING gin ((document -> 'by'))")
    note = table(document=models.JSONField())
    assert_its_statement_helps(entry(note, JsonPath("document", "to")))
