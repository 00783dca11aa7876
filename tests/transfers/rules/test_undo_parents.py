"""Children get the parent back that the same pair deleted, and no other row that has its number by now."""

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, put, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import only, query, run_pairs, undo_all
from tests.transfers.rules.test_undo_keys import known
from transfers.models import PairState, UndoConflict
from transfers.rules import Child, Column, Combine, DataType, KeepTarget

WAYS = [{}, {"detached": True}, {"goes_with_parent": True}]


def notes(monkeypatch: pytest.MonkeyPatch, column: str, **facts: bool) -> DataType:
    """The type of notes and their pages, which refer to them by this column."""
    key = {"code": models.TextField(primary_key=True)} if column == "note_code" else {}
    note = model_of("note", owner=to(User), name=models.TextField(), **key)
    children = (Child(model_of("page", note=to(note, db_column=column)), "note", **facts),)
    entry = DataType("Notes", note, (Column("owner"),), Combine(KeepTarget()), "Notes.", children=children)
    return known(entry, monkeypatch)


def transferred(people: People, entry: DataType, *, late: bool = False) -> int:
    with only(entry):
        return run_pairs(people.by, people.pairs[:1], [entry], late=late).transfer_id


def left() -> list[tuple[str, str, str]]:
    return sorted(UndoConflict.objects.values_list("table", "key", "why"))


@pytest.mark.parametrize("detached", [False, True])
def test_a_child_that_was_moved_to_another_area(
    people: People, monkeypatch: pytest.MonkeyPatch, *, detached: bool
) -> None:
    """Its foreign key has two columns: with the number of before, it would refer to a note of somebody else."""
    change("""
        CREATE TABLE note (area integer, id bigint, owner_id bigint, name text, PRIMARY KEY (area, id),
            UNIQUE (area, owner_id, name));
        CREATE TABLE page (id bigint PRIMARY KEY, area integer, note_id bigint,
            FOREIGN KEY (area, note_id) REFERENCES note (area, id));
    """)
    for area, number, letter, name in (
        (3, 1, "S", "a"),
        (3, 2, "T", "a"),
        (5, 1, "X", "x"),
        (5, 2, "X", "y"),
    ):
        execute("INSERT INTO note VALUES (%s, %s, %s, %s)", area, number, people[letter].pk, name)
    execute("INSERT INTO page VALUES (7, 3, 1)")
    made = transferred(people, notes(monkeypatch, "note_id", detached=detached))
    execute("UPDATE page SET area = 5")
    after = query("SELECT p::text FROM {} AS p", "page")
    undo_all(made, leave_changed=True)
    assert query("SELECT p::text FROM {} AS p", "page") == after
    assert left() == [("page", "(7)", "parent gone")]


NATURAL = """
    CREATE TABLE note (code text PRIMARY KEY, owner_id bigint, name text, extra text, UNIQUE (owner_id, name));
    CREATE TABLE page (id bigint PRIMARY KEY, note_code text{key});
"""


def put_notes(people: People, *given: tuple[str, str]) -> None:
    for code, letter in given:
        execute("INSERT INTO note VALUES (%s, %s, 'same')", code, people[letter].pk)


@pytest.mark.parametrize("facts", WAYS)
def test_a_parent_that_stays_deleted_while_another_one_with_its_key_returns(
    people: People, monkeypatch: pytest.MonkeyPatch, facts: dict[str, bool]
) -> None:
    change(NATURAL.format(key=" REFERENCES note"))
    entry = notes(monkeypatch, "note_code", **facts)
    put_notes(people, ("a", "S"), ("b", "T"))
    execute("INSERT INTO page VALUES (1, 'a')")
    first = transferred(people, entry)
    put_notes(people, ("a", "S"))
    execute("INSERT INTO page VALUES (2, 'a')")
    later = transferred(people, entry, late=True)
    undo_all(first, later, leave_changed=True)
    assert query("SELECT id FROM {} WHERE note_code = 'a'", "page") == [2]
    assert left() == [("note", "(a)", "key taken"), ("page", "(1)", "parent gone")]


@pytest.mark.parametrize("facts", WAYS)
@pytest.mark.parametrize("key", [" REFERENCES note", ""])
@pytest.mark.parametrize("since", ["DROP extra", "ALTER extra TYPE integer USING 7"])
def test_a_parent_that_cannot_be_read_any_more(
    people: People, monkeypatch: pytest.MonkeyPatch, facts: dict[str, bool], key: str, since: str
) -> None:
    change(NATURAL.format(key=key))
    entry = notes(monkeypatch, "note_code", **facts)
    put_notes(people, ("a", "S"), ("b", "T"))
    execute("UPDATE note SET extra = 'x'")
    execute("INSERT INTO page VALUES (7, 'a')")
    made = transferred(people, entry)
    change(f"ALTER TABLE note {since}")
    put_notes(people, ("a", "X"))
    after = query("SELECT p::text FROM {} AS p", "page")
    undo_all(made, leave_changed=True)
    assert query("SELECT p::text FROM {} AS p", "page") == after
    assert left() == [("note", "", "other columns"), ("page", "(7)", "parent gone")]


def test_a_record_of_a_tree_does_not_return_below_another_parent(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(
        "CREATE TABLE note (code text PRIMARY KEY, owner_id bigint, name text, parent_code text REFERENCES note)"
    )
    change("CREATE UNIQUE INDEX ON note (owner_id, name)")
    fields = {"code": models.TextField(primary_key=True), "name": models.TextField()}
    note = model_of("note", owner=to(User), parent=to("self", db_column="parent_code"), **fields)
    children = (Child(note, "parent", detached=True),)
    rule = Combine(KeepTarget())
    entry = known(DataType("Notes", note, (Column("owner"),), rule, "Notes.", children=children), monkeypatch)
    for code, letter, name, parent in (("a", "S", "n", None), ("b", "T", "n", None), ("d", "T", "m", None)):
        execute("INSERT INTO note VALUES (%s, %s, %s, %s)", code, people[letter].pk, name, parent)
    execute("INSERT INTO note VALUES ('c', %s, 'm', 'a')", people["S"].pk)
    first = transferred(people, entry)
    execute("INSERT INTO note VALUES ('a', %s, 'n')", people["S"].pk)
    later = transferred(people, entry, late=True)
    undo_all(first, later, leave_changed=True)
    assert query("SELECT code FROM {} ORDER BY code", "note") == ["a", "b", "d"]
    assert left() == [("note", "(a)", "key taken"), ("note", "(c)", "parent gone")]


@pytest.mark.parametrize("facts", WAYS)
def test_children_that_one_batch_re_pointed_and_another_one_discarded(
    people: People, monkeypatch: pytest.MonkeyPatch, facts: dict[str, bool]
) -> None:
    change("""
        CREATE TABLE note (id bigint PRIMARY KEY, a_id bigint, b_id bigint, UNIQUE (a_id, b_id));
        CREATE TABLE page (id bigint PRIMARY KEY, note_id bigint REFERENCES note, n integer, UNIQUE (note_id, n));
    """)
    note = model_of("note", a=to(User), b=to(User))
    children = (Child(model_of("page", note=to(note), n=models.IntegerField()), "note", **facts),)
    owners, rule = (Column("a"), Column("b")), Combine(KeepTarget())
    entry = known(DataType("Notes", note, owners, rule, "Notes.", children=children), monkeypatch)
    for number, letters in enumerate(("SU", "TU", "TV"), start=1):
        execute("INSERT INTO note VALUES (%s, %s, %s)", number, *(people[letter].pk for letter in letters))
    for number, of, n in ((10, 1, 1), (11, 1, 2), (20, 2, 2), (30, 3, 1)):
        execute("INSERT INTO page VALUES (%s, %s, %s)", number, of, n)
    before = rows_as_text([entry])
    with only(entry):
        made = run_pairs(people.by, people.pairs, [entry], batches=2).transfer_id
    assert rows_as_text([entry]) != before
    restore(made)
    assert rows_as_text([entry]) == before


# --- Values that were folded -----------------------------------------------------------------------------------------


NO_KEY = "DROP CONSTRAINT smallapp_totals_pkey"


@pytest.mark.parametrize(
    ("before", "since", "why"),
    [
        ("", "DROP extra", "other columns"),
        ("", "ALTER extra DROP DEFAULT, ALTER extra TYPE integer USING 7", "other columns"),
        (
            "",
            "ADD must integer NOT NULL DEFAULT 1; ALTER TABLE smallapp_totals ALTER must DROP DEFAULT",
            "other columns",
        ),
        ("", NO_KEY, "other columns"),
        (f", {NO_KEY}", "ADD more text", "no key"),
    ],
)
def test_a_sum_stays_if_what_was_added_cannot_be_told(
    people: People, before: str, since: str, why: str
) -> None:
    """Either row could be restored alone: the sum would lose what the other brought, or it would be there twice."""
    change(f"ALTER TABLE smallapp_totals ADD extra text DEFAULT 'x'{before}")
    entry = put(people, "smallapp_totals", ("S", 1, 10), ("T", 1, 5), columns="owner k medium")
    made = transferred(people, entry)
    change(f"ALTER TABLE smallapp_totals {since}")
    undo_all(made, leave_changed=True)
    assert query("SELECT medium FROM {}", "smallapp_totals") == [15]
    assert sorted(found for *_, found in left()) == sorted(["folded", why])


# --- Foreign keys with the user --------------------------------------------------------------------------------------

DEVICES = """
CREATE TABLE device (id bigint PRIMARY KEY, owner_id bigint, UNIQUE (owner_id, id));
CREATE TABLE push (id bigint PRIMARY KEY, owner_id bigint, device_id bigint, channel text, UNIQUE (owner_id, channel),
    FOREIGN KEY (owner_id, device_id) REFERENCES device (owner_id, id) DEFERRABLE INITIALLY DEFERRED);
"""


def devices(
    people: People, monkeypatch: pytest.MonkeyPatch, given: str, *pushes: tuple[int, str, int | None, str]
) -> int:
    """Transfer the devices of S, whose owners are given, with the pushes to them. Return the ID of the transfer."""
    change(DEVICES)
    device = model_of("device", owner=to(User))
    push = model_of("push", owner=to(User), device=to(device), channel=models.TextField())
    types = [
        DataType("Devices", device, (Column("owner"),), Combine(), "Devices."),
        DataType("Pushes", push, (Column("owner"),), Combine(KeepTarget()), "Pushes."),
    ]
    known(types[0], monkeypatch, types[1])
    for number, letter in enumerate(given, 1):
        execute("INSERT INTO device VALUES (%s, %s)", number, people[letter].pk)
    for number, letter, of, channel in pushes:
        execute("INSERT INTO push VALUES (%s, %s, %s, %s)", number, people[letter].pk, of, channel)
    execute("SET CONSTRAINTS ALL DEFERRED")
    with only(*types):
        return run_pairs(people.by, people.pairs[:1], types).transfer_id


def owners_of(people: People, table: str) -> dict[int, str]:
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    letters = {user.pk: letter for letter, user in people.users.items()}
    found = query("SELECT ARRAY[id, owner_id] FROM {}", table)
    return {int(number): letters[int(owner)] for number, owner in found}


@pytest.mark.parametrize("leave_changed", [False, True])
@pytest.mark.parametrize(
    "edit", ["DELETE FROM device WHERE id = 1", "UPDATE device SET owner_id = {X} WHERE id = 1"]
)
def test_a_record_that_refers_to_another_one_by_its_user_too(
    people: People, monkeypatch: pytest.MonkeyPatch, edit: str, *, leave_changed: bool
) -> None:
    """Device 3 and its push, which was deleted, go back. The push of device 1, which has gone, does not."""
    pushes = [(1, "S", 1, "news"), (2, "T", 2, "news"), (3, "S", 3, "mail"), (4, "T", 2, "mail")]
    made = devices(people, monkeypatch, "STS", *pushes)
    execute(edit.format(X=people["X"].pk))
    [pair] = undo_all(made, leave_changed=leave_changed)
    assert ("push", "(1)", "parent gone") in left()
    assert pair.state == (PairState.SUCCEEDED if leave_changed else PairState.FAILED)
    assert owners_of(people, "device")[3] == ("S" if leave_changed else "T")
    assert owners_of(people, "push").get(3) == ("S" if leave_changed else None)


@pytest.mark.parametrize("leave_changed", [False, True])
@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ("INSERT INTO push VALUES (9, {S}, NULL, 'mail')", ("push", "(3)", "key taken")),
        ("INSERT INTO push VALUES (9, {T}, 1, 'more')", None),
    ],
)
def test_a_record_to_which_one_that_stays_refers_by_its_user(
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    edit: str,
    why: tuple[str, str, str] | None,
    *,
    leave_changed: bool,
) -> None:
    """Push 3 stays with T, or somebody made push 9. Then device 1 stays too, and the others go back."""
    made = devices(people, monkeypatch, "SS", (3, "S", 1, "mail"), (4, "S", 2, "news"))
    execute(edit.format(S=people["S"].pk, T=people["T"].pk))
    if why is None:
        execute("UPDATE push SET device_id = NULL WHERE id = 3")
    [pair] = undo_all(made, leave_changed=leave_changed)
    assert ("device", "(1)", "referred to") in left()
    assert why is None or why in left()
    assert pair.state == (PairState.SUCCEEDED if leave_changed else PairState.FAILED)
    assert owners_of(people, "device") == ({1: "T", 2: "S"} if leave_changed else {1: "T", 2: "T"})
