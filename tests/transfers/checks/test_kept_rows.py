"""What a transfer must not write into rows that it keeps."""

import pytest
from django.core.checks import ERROR
from django.db import models
from pytest_django import Settings

from tests.transfers.checks.declaring import NOTE, change, child_of, entry, found, ids, table, to_user
from transfers.rules import Child, Combine, DataType, FillBlank, KeepTarget, Merge, Profile, Rule

pytestmark = pytest.mark.django_db


def errors(*entries: DataType) -> list:
    return [message for message in found(*entries) if message.level >= ERROR]


@pytest.mark.parametrize("references", ["accounts_user", "person", "note"])
@pytest.mark.parametrize("rule", [Combine(Merge({"other": FillBlank()})), Profile({"other": FillBlank()})])
def test_a_policy_that_would_write_a_reference(settings: Settings, references: str, rule: Rule) -> None:
    """The model has it as a number, as `adopt` writes a column that stays as it is."""
    change("CREATE TABLE person (id bigint PRIMARY KEY)")
    change(f"""
        CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint UNIQUE, other bigint REFERENCES {references});
    """)
    settings.PEOPLE_KEY = ("public", "person", "id")
    note = table(user=to_user(), other=models.BigIntegerField(null=True))
    [error] = [one for one in errors(entry(note, rule=rule)) if one.id == "transfers.E104"]
    assert "other references another row by the foreign key note_other_fkey of note" in error.msg
    person = table("person", code=models.TextField())
    declared = table(user=to_user(), other=models.ForeignKey(person, models.DO_NOTHING, db_column="other"))
    assert "transfers.E104" in ids(errors(entry(declared, rule=rule)))
    change("ALTER TABLE note DROP CONSTRAINT note_other_fkey")
    assert errors(entry(note, rule=rule)) == []
    change(
        f"ALTER TABLE note ADD found bigint GENERATED ALWAYS AS (other + 0) STORED REFERENCES {references}"
    )
    assert "transfers.E104" in ids(errors(entry(note, rule=rule)))


@pytest.mark.parametrize("also", ["a child too", "a data type too"])
def test_detached_rows_whose_primary_key_changes(also: str) -> None:
    """The journal has the key that they had when they were detached."""
    change(NOTE + "CREATE UNIQUE INDEX ON note (user_id)")
    change(
        "CREATE TABLE page (id bigint, note_id bigint, user_id bigint, rest bigint, PRIMARY KEY (user_id, id))"
    )
    change("CREATE INDEX ON page (note_id); CREATE INDEX ON page (user_id); CREATE INDEX ON page (rest)")
    note = table()
    page = child_of(note, null=True)
    detached = Child(page, "note", detached=True)
    other = Child(child_of(note, "page", "user", db_column="user_id"), "user")
    children = (detached, other) if also == "a child too" else (detached,)
    entries = [entry(note, rule=Combine(KeepTarget()), children=children)]
    entries += [entry(table("page"))] * (also == "a data type too")
    [error] = [one for one in errors(*entries) if one.id == "transfers.E104"]
    assert "a transfer may also change user_id, which is in their primary key" in error.msg
    change("ALTER TABLE page DROP CONSTRAINT page_pkey, ADD PRIMARY KEY (id)")
    assert "transfers.E104" not in ids(errors(*entries))


def test_detached_rows_that_are_profiles() -> None:
    """A profile stays with its user, so its key does not change."""
    change(NOTE + "CREATE UNIQUE INDEX ON note (user_id)")
    change(
        "CREATE TABLE page (user_id bigint PRIMARY KEY, note_id bigint, phone text); CREATE INDEX ON page (note_id)"
    )
    note = table()
    to_note = models.ForeignKey(note, models.DO_NOTHING, null=True, related_name="+")
    page = table("page", user=to_user(primary_key=True), note=to_note)
    desks = entry(note, rule=Combine(KeepTarget()), children=(Child(page, "note", detached=True),))
    profile = table("page", user=to_user(primary_key=True), phone=models.TextField())
    assert errors(desks, entry(profile, rule=Profile({"phone": FillBlank()}))) == []
    # It would be copied to the target before it is cleared in both.
    copied = entry(page, rule=Profile({"note": FillBlank()}))
    [error] = [one for one in errors(desks, copied) if one.id == "transfers.E114"]
    assert "writes or compares that column" in error.msg
