"""Tables that are missing, elsewhere, no tables at all, incomplete, or not for the application's role to change."""

import pytest
from django.core.checks import ERROR
from django.db import connection, models
from pytest_django import Settings

from tests.fixtures.roles import as_owner
from tests.transfers.checks.declaring import (
    NOTE,
    change,
    child_of,
    entry,
    found,
    ids,
    model,
    only,
    paste,
    table,
    to_user,
)
from transfers.checks.catalog.reading import read_catalog
from transfers.checks.database import not_compiled, usable_entries
from transfers.models import JournalEntry
from transfers.rules import Child, Combine, KeepTarget, Overwrite

pytestmark = pytest.mark.django_db
IN_ARCHIVE = NOTE.replace("note", "archive.note").replace("CREATE", "CREATE SCHEMA archive; CREATE", 1)
USABLE = f"{IN_ARCHIVE} GRANT USAGE ON SCHEMA archive TO transfer;"


def test_an_ordinary_table_has_no_findings() -> None:
    change(NOTE)
    assert found(entry(table())) == []


# --- Missing tables and other schemas --------------------------------------------------------------------------------


def test_a_missing_table_stops_the_start() -> None:
    error = only(found(entry(table())))
    assert (error.id, "the database has no table note" in error.msg) == ("transfers.E106", True)


def test_a_table_that_a_migration_has_yet_to_create_does_not() -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'quality'")
    assert found(entry(table())) == []


def test_a_missing_table_of_a_child_stops_the_start() -> None:
    change(NOTE)
    note = table()
    error = only(found(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))))
    assert (error.id, "no table page" in error.msg) == ("transfers.E106", True)


def test_a_table_in_another_schema_is_named_in_the_hint() -> None:
    change(USABLE)
    error = only(found(entry(table())))
    assert error.id == "transfers.E106"
    assert """db_table = '"archive"."note"'""" in str(error.hint)


@pytest.mark.parametrize("db_table", ['"archive"."note"', 'archive"."note'])
def test_a_table_in_another_schema_is_found_by_its_name(db_table: str) -> None:
    change(USABLE)
    assert found(entry(table(db_table))) == []


def test_a_table_of_the_same_name_does_not_stand_for_it() -> None:
    change(NOTE + USABLE + "ALTER TABLE archive.note DROP COLUMN user_id CASCADE")
    assert found(entry(table())) == []
    assert ids(found(entry(table('"archive"."note"')))) == ["transfers.E101"]


# --- Rights ----------------------------------------------------------------------------------------------------------


def test_a_schema_that_the_role_may_not_use() -> None:
    change(IN_ARCHIVE)
    notes = entry(table('"archive"."note"'))
    error = only(found(notes))
    assert error.id == "transfers.E107"
    assert "rows of archive.note, but the application's role may not use the schema archive" in error.msg
    paste(error.hint)
    assert found(notes) == []


@pytest.mark.parametrize("right", ["SELECT", "UPDATE", "INSERT", "DELETE"])
def test_a_missing_right_on_a_table(right: str) -> None:
    change(NOTE)
    change(f"REVOKE {right} ON note FROM transfer")
    notes = entry(table(), rule=Overwrite())
    error = only(found(notes))
    assert (error.id, f"may not {right} on it" in error.msg) == ("transfers.E107", True)
    paste(error.hint)
    assert found(notes) == []


def test_rows_that_are_never_deleted_need_no_right_to_delete() -> None:
    change(NOTE)
    change("REVOKE INSERT, DELETE ON note FROM transfer")
    assert found(entry(table())) == []


def test_the_owner_of_the_tables_is_not_asked(settings: Settings) -> None:
    change(NOTE)
    change("REVOKE UPDATE ON note FROM transfer")
    settings.AS_TABLE_OWNER = True
    assert found(entry(table())) == []


# --- Columns ---------------------------------------------------------------------------------------------------------


def test_a_column_that_the_table_lacks_is_named() -> None:
    change(NOTE)
    error = only(found(entry(table(user=to_user(), colour=models.TextField()))))
    assert error.id == "transfers.E101"
    assert "the table note has no column colour, which quality.Note.colour needs" in error.msg
    assert "id, user_id, day, title, parent_id" in str(error.hint)


def test_a_key_that_only_django_adds() -> None:
    change("CREATE TABLE note (number bigint PRIMARY KEY, user_id bigint); CREATE INDEX ON note (user_id);")
    error = only(found(entry(table())))
    assert (error.id, "no column id" in error.msg) == ("transfers.E101", True)
    assert "primary_key=True" in str(error.hint)
    number = models.BigIntegerField(primary_key=True)
    assert found(entry(table(user=to_user(), number=number))) == []


def test_a_key_of_several_columns() -> None:
    change("CREATE TABLE note (one int, other int, user_id bigint, PRIMARY KEY (one, other));")
    change("CREATE INDEX ON note (user_id)")
    fields = {name: models.IntegerField() for name in ("one", "other")}
    error = only(found(entry(table(user=to_user(), **fields))))
    lines = str(error.hint).splitlines()
    pk = eval(lines[2].strip().removeprefix("pk = ").split(", if")[0], {"models": models})
    assert found(entry(table(pk=pk, user=to_user(), **fields))) == []


def test_the_statements_are_tried_although_a_column_is_missing() -> None:
    change(NOTE)
    change("ALTER TABLE note ALTER user_id TYPE text")
    notes = entry(table(user=to_user(), colour=models.TextField()))
    catalog = read_catalog([notes.model, JournalEntry])
    usable = usable_entries([notes], catalog)
    error = only(not_compiled(usable, catalog))
    assert (error.id, "operator does not exist: text = bigint" in error.msg) == ("transfers.E105", True)
    assert "as_text" not in str(error.hint), "a Column has no such option"


def test_an_owner_that_is_inherited_from_another_table() -> None:
    change("CREATE TABLE quality_note (id bigint PRIMARY KEY, user_id bigint);")
    change("CREATE TABLE quality_memo (note_ptr_id bigint PRIMARY KEY REFERENCES quality_note);")
    note = model(user=to_user())
    memo = type("Memo", (note,), {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "quality"})})
    error = only(found(entry(memo)))
    assert (error.id, "the table quality_memo has no column user_id" in error.msg) == ("transfers.E101", True)
    assert "user is a column of quality_note. Declare a DataType of its model, quality.Note." in str(
        error.hint
    )
    change("CREATE INDEX ON quality_note (user_id)")
    assert found(entry(note)) == []


def test_a_child_of_which_the_field_is_no_foreign_key() -> None:
    change(NOTE + "CREATE TABLE page (id bigint PRIMARY KEY, note_id bigint);")
    page = table("page", note=models.BigIntegerField(db_column="note_id"))
    note = table()
    error = only(found(entry(note, rule=Overwrite(), children=(Child(page, "note"),))))
    assert (error.id, "quality.Page.note is no foreign key to quality.Note" in error.msg) == (
        "transfers.E103",
        True,
    )
    assert "note = models.ForeignKey(Note, models.DO_NOTHING)" in str(error.hint)
    change("CREATE INDEX ON page (note_id)")
    assert found(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))) == []


# --- Views and foreign tables ----------------------------------------------------------------------------------------

SERVER = "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("CREATE VIEW seen AS SELECT * FROM note", "seen is a view"),
        ("CREATE MATERIALIZED VIEW seen AS SELECT * FROM note", "seen is a materialized view"),
        (
            f"{SERVER} CREATE FOREIGN TABLE seen (id bigint, user_id bigint) SERVER far",
            "seen is a foreign table",
        ),
    ],
)
def test_what_is_no_table_stops_the_start(made: str, words: str) -> None:
    change(NOTE)
    change(f"{made}; GRANT ALL ON seen TO transfer")
    seen = table("seen")
    for rule in (Combine(), Combine(KeepTarget()), Overwrite()):
        error = only(message for message in found(entry(seen, rule=rule)) if message.level >= ERROR)
        assert (error.id, words in error.msg) == ("transfers.E108", True)


def test_a_partition_on_another_server_stops_the_start() -> None:
    change(f"""{SERVER}
        CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint) PARTITION BY RANGE (id);
        CREATE INDEX ON note (user_id);
    """)
    change("CREATE TABLE near PARTITION OF note FOR VALUES FROM (1) TO (2)")
    note = table()
    assert found(entry(note)) == []
    change("ALTER TABLE note DROP CONSTRAINT note_pkey;")
    change("CREATE FOREIGN TABLE away PARTITION OF note FOR VALUES FROM (2) TO (3) SERVER far")
    errors = [message for message in found(entry(note)) if message.id == "transfers.E108"]
    assert "away is a foreign table" in only(errors).msg
