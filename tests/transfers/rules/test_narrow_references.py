"""Children whose foreign key holds less than the column that it references: the number of the kept row may not fit."""

import pytest
from django.db import DatabaseError, models, transaction

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, run, to
from tests.transfers.rules.meddling import refused
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.running import only, query, run_pairs
from transfers.engine.verification import mismatch
from transfers.rules import Child, Column, Combine, DataType, KeepTarget

TABLES = """
    CREATE DOMAIN short AS varchar(3);
    CREATE TABLE note (id bigint PRIMARY KEY, owner_id bigint, code {parent} NOT NULL UNIQUE, k integer,
        UNIQUE (owner_id, k));
    CREATE TABLE page (id bigint PRIMARY KEY, note_code {child} NOT NULL REFERENCES note (code));
"""
# The types of both columns; the numbers of the notes of S, T and X. That of X is what is left of T's in the child.
TYPES = [
    ("varchar(9)", "varchar(3)", "xyz", "abcdef", "abc"),
    ("text", "short", "xyz", "abcdef", "abc"),
    ("char(6)", "char(3)", "xyz", "abcdef", "abc"),
    ("numeric(6,1)", "numeric(6,0)", "1.0", "2.4", "2.0"),
    ("numeric", "integer", "1", "2.4", "2"),
    ("timestamp(3)", "timestamp(0)", "2026-01-01 00:00:01", "2026-01-01 00:00:02.4", "2026-01-01 00:00:02"),
    ("varbit", "varbit(3)", "101", "11101", "111"),
]


def notes(people: People, parent: str, child: str, *codes: str) -> DataType:
    change(TABLES.format(parent=parent, child=child))
    for number, (letter, code) in enumerate(zip("STX", codes, strict=True), start=1):
        execute("INSERT INTO note VALUES (%s, %s, %s, 1)", number, people[letter].pk, code)
    execute("INSERT INTO page VALUES (7, %s)", codes[0])
    note = model_of("note", owner=to(User), code=models.TextField(unique=True), k=models.IntegerField())
    children = (Child(model_of("page", note=to(note, to_field="code", db_column="note_code")), "note"),)
    return DataType("Notes", note, (Column("owner"),), Combine(KeepTarget()), "Notes.", children=children)


@pytest.mark.parametrize(("parent", "child", "of_s", "of_t", "of_x"), TYPES)
def test_a_child_does_not_come_to_a_row_of_somebody_else(
    people: People, monkeypatch: pytest.MonkeyPatch, parent: str, child: str, of_s: str, of_t: str, of_x: str
) -> None:
    entry = notes(people, parent, child, of_s, of_t, of_x)
    monkeypatch.setattr(mismatch, "by_key", lambda key: entry)
    assert "do not have the values" in refused(people, entry)


@pytest.mark.parametrize(("parent", "child"), [types[:2] for types in TYPES])
def test_a_number_that_fits(people: People, parent: str, child: str) -> None:
    codes = ("1", "2", "3") if "num" in parent else ("101", "111", "100")
    if parent.startswith("timestamp"):
        codes = tuple(f"2026-01-0{code[:1]}" for code in ("1", "2", "3"))
    entry = notes(people, parent, child, *codes)
    run(people, entry)
    assert query("SELECT n.id FROM note AS n JOIN {} AS p ON p.note_code = n.code", "page") == [2]


def test_a_child_that_has_what_is_left_of_the_number_in_its_key(people: People) -> None:
    """The page of X's note does not let S's page be discarded as if both had the same note."""
    entry = notes(people, *TYPES[0])
    execute("INSERT INTO page VALUES (8, 'abc')")
    change("ALTER TABLE page ADD UNIQUE (note_code)")
    with only(entry), pytest.raises(DatabaseError), transaction.atomic():
        run_pairs(people.by, people.pairs[:1], [entry])


CODES = [
    ("char(2)", "s1 s2 t1 t2"),
    ("varchar(2)", "s1 s2 t1 t2"),
    ("bit(3)", "000 001 110 111"),
    ("varbit(3)", "000 001 110 111"),
    ("numeric(3,1)", "10.1 10.2 20.1 20.2"),
    ("timestamp(0)", "2026-01-01 2026-01-02 2026-02-01 2026-02-02"),
]


@pytest.mark.parametrize("conflicts", [False, True])
@pytest.mark.parametrize(("column", "codes"), CODES)
def test_children_in_a_key_with_the_whole_number(
    people: People, column: str, codes: str, *, conflicts: bool
) -> None:
    """Two notes of S lose to two of T. A page is lost only if the note of T has one of the same number."""
    change(f"""
        CREATE TABLE note (code {column} PRIMARY KEY, owner_id bigint, name text, UNIQUE (owner_id, name));
        CREATE TABLE page (id bigint PRIMARY KEY, note_code {column} REFERENCES note, n integer, UNIQUE (note_code, n));
    """)
    first, second, *kept = codes.split()
    for code, letter, name in zip((first, second, *kept), "SSTT", "abab", strict=True):
        execute("INSERT INTO note VALUES (%s, %s, %s)", code, people[letter].pk, name)
    others = (1, 1) if conflicts else (2, 3)
    for number, (code, n) in enumerate(zip((first, second, *kept), (1, 1, *others), strict=True), 1):
        execute("INSERT INTO page VALUES (%s, %s, %s)", number, code, n)
    note = model_of("note", code=models.TextField(primary_key=True), owner=to(User), name=models.TextField())
    children = (Child(model_of("page", note=to(note, db_column="note_code")), "note"),)
    ran = run(
        people,
        DataType("Notes", note, (Column("owner"),), Combine(KeepTarget()), "Notes.", children=children),
    )
    assert ran.counts[0]["smallapp.note"].get("children", 0) == (2 if conflicts else 0)
    found = query("SELECT p.id FROM note JOIN {} AS p ON p.note_code = code ORDER BY name, p.id", "page")
    assert found == ([3, 4] if conflicts else [1, 3, 2, 4])
