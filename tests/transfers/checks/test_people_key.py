"""Foreign keys to the organisation's own people (the setting PEOPLE_KEY) have to be declared, as those to users."""

import pytest
from django.db import models
from pytest_django import Settings

from tests.transfers.checks.declaring import change, entry, found, ids, only, table
from transfers.rules import Column

PEOPLE = """
CREATE SCHEMA suite;
CREATE TABLE suite."Person" (
    id uuid PRIMARY KEY, tenant_id integer NOT NULL, login text UNIQUE, UNIQUE (tenant_id, id)
);
"""
KEY = ("suite", "Person", "id")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people(settings: Settings, db: None) -> None:
    change(PEOPLE)
    settings.PEOPLE_KEY = KEY


def test_a_table_without_a_model_in_any_schema() -> None:
    change(
        "CREATE SCHEMA quality;"
        'CREATE TABLE quality.review (id uuid PRIMARY KEY, agent uuid REFERENCES suite."Person",'
        ' coach uuid REFERENCES suite."Person");'
    )
    first, second = found()
    assert (first.id, second.id) == ("transfers.E003", "transfers.E003")
    assert "quality.review.agent references a person" in first.msg
    assert 'Column("agent", holds="external_id"), Column("coach", holds="external_id"),' in str(first.hint)
    assert "agent = models.UUIDField(" in str(first.hint)
    assert second.hint == "See quality.review.agent."
    assert found(stays={"quality.review.agent": "why", "quality.review.coach": "why"}) == []


def test_a_reference_of_people_to_people() -> None:
    change('ALTER TABLE suite."Person" ADD manager uuid REFERENCES suite."Person"')
    assert "suite.Person.manager references a person" in only(found()).msg


def test_a_composite_reference_is_declared_by_the_column_with_the_id() -> None:
    change(
        "CREATE TABLE note (id integer PRIMARY KEY, org integer, author uuid,"
        ' FOREIGN KEY (author, org) REFERENCES suite."Person" (id, tenant_id));'
    )
    hint = str(only(found()).hint)
    assert 'Column("author", holds="external_id"),' in hint
    assert "Tenant" not in hint


def test_an_owner_is_declared() -> None:
    change('CREATE TABLE note (id integer PRIMARY KEY, author uuid REFERENCES suite."Person");')
    change("CREATE INDEX ON note (author);")
    notes = table("note", author=models.UUIDField())
    assert ids(found(entry(notes, Column("author", holds="external_id")))) == []


def test_the_model_of_the_table_is_named() -> None:
    change(
        'CREATE TABLE note (id integer PRIMARY KEY, author uuid REFERENCES suite."Person", editor uuid'
        ' REFERENCES suite."Person"); CREATE INDEX ON note (author);'
    )
    notes = table("note", author=models.UUIDField(), editor=models.UUIDField())
    hint = str(only(found(entry(notes, Column("author", holds="external_id")))).hint)
    assert 'Column("editor", holds="external_id"),' in hint


def test_a_reference_by_another_column() -> None:
    change('CREATE TABLE note (id integer PRIMARY KEY, author text REFERENCES suite."Person" (login));')
    error = only(found())
    assert "note.author references a person by login" in error.msg
    assert '"public.note.author": "the reason"' in str(error.hint)
    assert found(stays={"public.note.author": "why"}) == []


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (("suite", "person", "id"), '"suite"."person" does not exist'),
        (("suite", "Person", "number"), '"suite"."Person" has no column number'),
    ],
)
def test_people_that_are_not_there(settings: Settings, key: tuple[str, ...], words: str) -> None:
    settings.PEOPLE_KEY = key
    error = only(found())
    assert error.id == "transfers.E118"
    assert words in error.msg


def test_without_the_setting_nothing_is_asked(settings: Settings) -> None:
    settings.PEOPLE_KEY = ()
    change('CREATE TABLE note (id integer PRIMARY KEY, author uuid REFERENCES suite."Person");')
    assert found() == []
