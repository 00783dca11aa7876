"""Rows that an undo gives back refer to others: to those that return with them, and to none that stays away."""

from dataclasses import replace

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.meddling import meddle
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import only, run_pairs, undo_all
from transfers.engine.undo.loading import entries
from transfers.models import UndoConflict
from transfers.rules import Child, Column, Combine, DataType, KeepTarget, Overwrite, Rule

COLUMNS = "(id bigint PRIMARY KEY, owner_id bigint, k integer, tenant integer DEFAULT 7)"
LINE = "CREATE TABLE line (id bigint PRIMARY KEY, tenant integer DEFAULT 7, file_id bigint NOT NULL{key});"
SINGLE = "FOREIGN KEY (file_id) REFERENCES file"
WIDE = "FOREIGN KEY (tenant, file_id) REFERENCES file (tenant, id)"


def files(table: str = "file", rule: Rule = Combine(KeepTarget()), **facts: bool) -> DataType:  # noqa: B008
    file = model_of(table, owner=to(User), k=models.IntegerField())
    children = (Child(model_of("line", file=to(file)), "file", **facts),)
    return DataType(table.title(), file, (Column("owner"),), rule, "Files.", children=children)


def fill(people: People) -> None:
    """A file of S and one of T with the same k, and a line of each."""
    for number, letter in enumerate("ST", start=1):
        execute("INSERT INTO file VALUES (%s, %s, 1)", number, people[letter].pk)
        execute("INSERT INTO line VALUES (%s, 7, %s)", number, number)


def transferred(people: People, *types: DataType) -> int:
    with only(*types):
        execute("SET CONSTRAINTS ALL DEFERRED")  # as at the start of a transaction
        return run_pairs(people.by, people.pairs[:1], types).transfer_id


@pytest.mark.parametrize("leave_changed", [False, True])
@pytest.mark.parametrize("rule", [Combine(KeepTarget()), Overwrite()])
def test_children_of_one_partition_that_refer_to_the_whole_table(
    people: People, rule: Rule, *, leave_changed: bool
) -> None:
    change(f"""
        CREATE TABLE file {COLUMNS} PARTITION BY RANGE (id);
        CREATE TABLE file_1 PARTITION OF file FOR VALUES FROM (0) TO (100);
        CREATE TABLE file_2 PARTITION OF file DEFAULT;
        CREATE UNIQUE INDEX ON file_1 (owner_id, k);
        {LINE.format(key=", " + SINGLE)}
    """)
    fill(people)
    types = files("file_1", rule, goes_with_parent=True), replace(files("file_2", Combine()), children=())
    before = rows_as_text(types)
    made = transferred(people, *types)
    assert rows_as_text(types) != before
    [pair] = undo_all(made, leave_changed=leave_changed)
    assert (pair.reason, rows_as_text(types)) == ("", before)


def test_children_in_one_partition_of_a_row_that_cannot_return(people: People) -> None:
    """The partition has the foreign key of the whole table."""
    change(f"""
        CREATE TABLE file {COLUMNS}; CREATE UNIQUE INDEX ON file (owner_id, k);
        {LINE.format(key=", " + SINGLE).replace(");", ") PARTITION BY LIST (id);")}
        CREATE TABLE line_1 PARTITION OF line DEFAULT;
    """)
    fill(people)
    entry = files(goes_with_parent=True)
    [child] = entry.children
    entry = replace(entry, children=(replace(child, model=model_of("line_1", file=to(entry.model))),))
    made = transferred(people, entry)
    execute("INSERT INTO file VALUES (3, %s, 1)", people["S"].pk)
    [pair] = undo_all(made, leave_changed=True)
    assert sorted(UndoConflict.objects.filter(pair=pair).values_list("table", "why")) == [
        ("file", "key taken"),
        ("line_1", "parent gone"),
    ]


@pytest.mark.parametrize("key", [SINGLE, f"{SINGLE} NOT ENFORCED", WIDE, f"{WIDE} NOT ENFORCED", ""])
@pytest.mark.parametrize("goes", [True, False])
def test_children_of_a_row_that_cannot_return(
    people: People, monkeypatch: pytest.MonkeyPatch, key: str, *, goes: bool
) -> None:
    """They stay with the row that was kept, also where the database does not ask for that."""
    change(f"CREATE TABLE file {COLUMNS}; CREATE UNIQUE INDEX ON file (owner_id, k)")
    change("ALTER TABLE file ADD UNIQUE (tenant, id)")
    change(LINE.format(key=key and f", {key}"))
    fill(people)
    entry = files(goes_with_parent=goes)
    monkeypatch.setattr(entries, "data_types", lambda: [entry])
    made = transferred(people, entry)
    execute("INSERT INTO file VALUES (3, %s, 1)", people["S"].pk)
    after = rows_as_text([entry])
    [pair] = undo_all(made, leave_changed=True)
    assert (pair.reason, rows_as_text([entry])) == ("", after)
    assert sorted(UndoConflict.objects.filter(pair=pair).values_list("table", "why")) == [
        ("file", "key taken"),
        ("line", "parent gone"),
    ]


@pytest.mark.parametrize("trigger", ["", "BEFORE UPDATE"])
def test_rows_that_refer_to_each_other_with_their_user(people: People, trigger: str) -> None:
    """What they refer to gets its user back, too. A trigger makes the journal keep all columns."""
    key = "FOREIGN KEY ({}_id, owner_id) REFERENCES note (id, owner_id) DEFERRABLE INITIALLY DEFERRED"
    change(f"""
        CREATE TABLE note (id bigint PRIMARY KEY, owner_id bigint, parent_id bigint, UNIQUE (id, owner_id),
            {key.format("parent")});
        CREATE TABLE remark (id bigint PRIMARY KEY, owner_id bigint, note_id bigint, {key.format("note")});
    """)
    if trigger:
        meddle("note", trigger, "NEW.id = NEW.id; RETURN NEW;")
        change("CREATE TRIGGER meddler BEFORE UPDATE ON remark FOR EACH ROW EXECUTE FUNCTION meddle()")
    owner = people["S"].pk
    for number, parent in ((1, None), (2, 1), (3, 1)):
        execute("INSERT INTO note VALUES (%s, %s, %s)", number, owner, parent)
        execute("INSERT INTO remark VALUES (%s, %s, %s)", number, owner, number)
    types = [
        DataType(table.title(), model_of(table, owner=to(User)), (Column("owner"),), Combine(), "They move.")
        for table in ("note", "remark")
    ]
    before = rows_as_text(types)
    restore(transferred(people, *types))
    assert rows_as_text(types) == before
