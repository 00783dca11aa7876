"""Generated columns: what PostgreSQL computes again when a transfer changes a row, and what stays as it was stored."""

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, put, refusal, run, to
from tests.transfers.rules.meddling import meddle
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import query
from tests.transfers.rules.test_undo_keys import known
from transfers.rules import Child, Column, Combine, DataType, KeepSource, KeepTarget, Latest, Policy, Rename


@pytest.mark.parametrize("kind", ["STORED", "VIRTUAL"])
def test_generated_columns_of_deleted_rows(people: People, kind: str) -> None:
    change(f"ALTER TABLE smallapp_sched ADD twice bigint GENERATED ALWAYS AS (owner_id * 2 + slot) {kind}")
    sched = put(people, "smallapp_sched", "S1", "T2", "X3", columns="owner slot")
    before = rows_as_text([sched])
    ran = run(people, sched)
    assert [row.row["twice"] for row in ran.discarded] == [people["T"].pk * 2 + 2]
    restore(ran.transfer_id)
    assert rows_as_text([sched]) == before


def test_a_virtual_generated_column_as_owner_stops_the_start(db: None) -> None:
    change("""
        ALTER TABLE smallapp_plain DROP COLUMN owner_id;
        ALTER TABLE smallapp_plain ADD owner_id bigint GENERATED ALWAYS AS (v * 2) VIRTUAL;
    """)
    assert "owner_id is a generated column" in refusal("transfers.E104")


# --- The value that PostgreSQL computes ------------------------------------------------------------------------------

TOUCHED = "NEW.touched := now(); RETURN NEW;"
RATE = """
    CREATE TABLE rate (id bigint PRIMARY KEY, owner_id bigint, amount numeric, at timestamp, touched timestamptz,
        label {type} GENERATED ALWAYS AS ({expression}) STORED, UNIQUE (owner_id, {key}))
"""


def rates(people: People, rule: Policy, *rows: tuple[str, str, str]) -> DataType:
    """Rows are letters of owners with an amount and a time; they get the numbers from 1."""
    for number, (letter, amount, at) in enumerate(rows, start=1):
        execute(
            "INSERT INTO rate (id, owner_id, amount, at) VALUES (%s, %s, %s, %s)",
            number,
            people[letter].pk,
            amount,
            at,
        )
    fields = {"owner": to(User), "label": models.TextField(), "amount": models.DecimalField()}
    return DataType("Rates", model_of("rate", **fields), (Column("owner"),), Combine(rule), "Rates.")


MORNING, NOON = "2024-01-01 08:00", "2024-01-01 12:00"


@pytest.mark.parametrize("rule", [KeepTarget(), KeepSource()])
@pytest.mark.parametrize("expression", ["amount", "owner_id * 0 + amount"])
@pytest.mark.parametrize("key", ["label", "lower(label)"])
def test_a_computed_value_has_the_type_of_its_column(
    people: People, rule: Policy, expression: str, key: str
) -> None:
    """The catalog prints the expression without the cast to text, for which 1.0 and 1.00 differ."""
    change(RATE.format(type="text", expression=expression, key="id"))
    change(f"CREATE UNIQUE INDEX ON rate (owner_id, {key})")
    meddle("rate", "BEFORE UPDATE", TOUCHED)
    ran = run(people, rates(people, rule, ("S", "1.0", NOON), ("T", "1.00", NOON)))
    assert {row["id"] for row in ran.world["rate"]} == {1, 2}


def test_a_computed_day_is_compared_as_a_day(people: People) -> None:
    change(RATE.format(type="date", expression="at", key="amount"))
    meddle("rate", "BEFORE UPDATE", TOUCHED)
    ran = run(people, rates(people, Latest("label"), ("S", "1", NOON), ("T", "1", MORNING)))
    assert [row["id"] for row in ran.world["rate"]] == [2]  # the same day: the target's


def test_a_computed_value_of_a_table_that_is_divided_by_the_owner(people: People) -> None:
    change("""
        CREATE TABLE rate (id bigint, owner_id bigint, amount numeric, at timestamp,
            label text GENERATED ALWAYS AS (amount) STORED, PRIMARY KEY (owner_id, id), UNIQUE (owner_id, label)
        ) PARTITION BY HASH (owner_id);
        CREATE TABLE rate_0 PARTITION OF rate FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE rate_1 PARTITION OF rate FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    """)
    ran = run(people, rates(people, KeepTarget(), ("S", "1.0", NOON), ("T", "1.00", NOON)))
    assert {row["id"] for row in ran.world["rate"]} == {1, 2}


# --- Functions that were replaced since ------------------------------------------------------------------------------

SLUGS = """
    CREATE FUNCTION slug(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower($1) $$;
    CREATE TABLE doc (id bigint PRIMARY KEY, owner_id bigint, name text,
        slug text GENERATED ALWAYS AS (slug(name)) STORED, UNIQUE (owner_id, slug));
    CREATE TABLE page (id bigint PRIMARY KEY, doc_id bigint REFERENCES doc, name text,
        slug text GENERATED ALWAYS AS (slug(name)) STORED, UNIQUE (doc_id, slug));
"""
WITHOUT_DASHES = """
    CREATE OR REPLACE FUNCTION slug(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT replace($1, '-', '') $$
"""


def docs(people: People, rule: Policy) -> DataType:
    doc = model_of("doc", owner=to(User), name=models.TextField())
    children = (Child(model_of("page", doc=to(doc), name=models.TextField()), "doc"),)
    return DataType("Docs", doc, (Column("owner"),), Combine(rule), "Docs.", children=children)


@pytest.mark.parametrize("trigger", [False, True])
def test_a_generated_column_whose_function_was_replaced_since(people: People, *, trigger: bool) -> None:
    """PostgreSQL computes it anew only if a column is written of which it is made, or a trigger may write one."""
    change(SLUGS)
    entry = docs(people, KeepTarget())
    rows = [("S", "a-b"), ("T", "ab"), ("S", "same"), ("T", "same")]
    for number, (letter, name) in enumerate(rows, start=1):
        execute("INSERT INTO doc VALUES (%s, %s, %s)", number, people[letter].pk, name)
    for number, (of, name) in enumerate([(3, "a-b"), (4, "ab"), (3, "c")], start=1):
        execute("INSERT INTO page VALUES (%s, %s, %s)", number, of, name)
    change(WITHOUT_DASHES)
    if trigger:
        meddle("doc", "BEFORE UPDATE", "RETURN NEW;")
        change("CREATE TRIGGER meddler BEFORE UPDATE ON page FOR EACH ROW EXECUTE FUNCTION meddle()")
    ran = run(people, entry)
    assert {row["id"] for row in ran.world["doc"]} == ({2, 4} if trigger else {1, 2, 4})
    assert {row["id"] for row in ran.world["page"]} == ({2, 3} if trigger else {1, 2, 3})


def test_rows_that_stay_keep_the_value_that_they_have(people: People) -> None:
    """A trigger lets PostgreSQL compute the value of a row that moves again, not that of the row which is there."""
    change(SLUGS)
    entry = docs(people, KeepTarget())
    meddle("doc", "BEFORE UPDATE", "RETURN NEW;")
    change("CREATE TRIGGER meddler BEFORE UPDATE ON page FOR EACH ROW EXECUTE FUNCTION meddle()")
    for number, letter, name in ((1, "S", "same"), (2, "T", "same"), (3, "T", "a-b")):
        execute("INSERT INTO doc VALUES (%s, %s, %s)", number, people[letter].pk, name)
    execute("INSERT INTO page VALUES (1, 2, 'a-b')")
    change(WITHOUT_DASHES)
    execute("INSERT INTO doc VALUES (4, %s, 'ab')", people["S"].pk)
    execute("INSERT INTO page VALUES (2, 1, 'ab')")
    ran = run(people, entry)
    assert {row["id"] for row in ran.world["doc"]} == {2, 3, 4}
    assert {row["id"] for row in ran.world["page"]} == {1, 2}


def test_a_disabled_trigger_lets_values_be_computed_again_too(people: People) -> None:
    change(SLUGS)
    entry = docs(people, KeepTarget())
    meddle("doc", "BEFORE UPDATE", "RETURN NEW;")
    change("ALTER TABLE doc DISABLE TRIGGER meddler")
    execute("INSERT INTO doc VALUES (1, %s, 'a-b')", people["S"].pk)
    execute("INSERT INTO doc VALUES (2, %s, 'ab')", people["T"].pk)
    execute("INSERT INTO doc VALUES (3, %s, 'c')", people["T"].pk)
    change(WITHOUT_DASHES)
    assert {row["id"] for row in run(people, entry).world["doc"]} == {2, 3}


def test_a_name_that_is_written_lets_values_be_computed_again(people: People) -> None:
    """Rename writes the name of each row that moves, so 'a-b' gets the slug of 'ab', and needs another name."""
    change(SLUGS)
    entry = docs(people, Rename("name"))
    execute("INSERT INTO doc VALUES (1, %s, 'a-b')", people["S"].pk)
    execute("INSERT INTO doc VALUES (2, %s, 'ab')", people["T"].pk)
    change(WITHOUT_DASHES)
    ran = run(people, entry)
    assert {row["name"] for row in ran.world["doc"]} == {"a-b (2)", "ab"}


def test_an_undo_compares_the_values_that_rows_have(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is given back keeps its value, as those that are there do."""
    change(SLUGS)
    entry = known(docs(people, KeepTarget()), monkeypatch)
    for number, letter, name in ((1, "S", "a-b"), (2, "S", "cd"), (3, "T", "cd")):
        execute("INSERT INTO doc VALUES (%s, %s, %s)", number, people[letter].pk, name)
    transfer = run(people, entry).transfer_id
    execute("INSERT INTO doc VALUES (4, %s, 'c-d')", people["S"].pk)
    change(WITHOUT_DASHES)
    execute("INSERT INTO doc VALUES (5, %s, 'ab')", people["S"].pk)
    restore(transfer)
    assert query("SELECT slug FROM {} ORDER BY id", "doc") == ["a-b", "cd", "cd", "c-d", "ab"]
