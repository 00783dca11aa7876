"""An undo gives no record to another person than the one who had it, and changes none that others have now."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from tests.transfers.rules import journal
from tests.transfers.rules.featured import change, model_of, put, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import insert, only, query, rows_of, run_pairs, type_of, undo_all
from tests.transfers.rules.test_undo import run_after_leaving
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.models import PairState, TransferPair, UndoConflict
from transfers.rules import (
    ArrayColumn,
    Child,
    Column,
    Combine,
    DataType,
    FillBlank,
    Fold,
    JsonPath,
    KeepSource,
    Max,
    Merge,
    Min,
    Owner,
    Sum,
)


def refused(made: int) -> TransferPair:
    """Undo the transfer, whose only record is in conflict, first strictly and then without the record."""
    [pair] = undo_all(made)
    assert pair.state == PairState.FAILED
    [pair] = undo_all(made, leave_changed=True)
    return pair


def conflicts(pair: TransferPair) -> list[tuple[str, str]]:
    return [(row.key, row.why) for row in UndoConflict.objects.filter(pair=pair).order_by("key")]


@pytest.mark.parametrize(
    ("table", "column", "more", "is_dropped"),
    [
        ("smallapp_outsidetext", "external_id", {"k": 1}, False),
        ("smallapp_outsidetext", "external_id", {"k": 1}, True),
        ("smallapp_badge", "employee_id", {"door": 1}, False),
        ("smallapp_badge", "employee_id", {"door": 1}, True),
        ("smallapp_login", "username", {"at": 1}, False),
    ],
)
def test_a_person_whose_id_somebody_else_has_now(
    people: People, table: str, column: str, more: dict[str, Any], is_dropped: bool
) -> None:
    S, T = people["S"], people["T"]
    held = "person" if column == "external_id" else column
    tenant = {} if column == "external_id" else {"tenant_id": people.here.pk}
    owners = [S, T] if is_dropped else [S]
    insert(
        table, [{"id": n, held: getattr(who, column), **tenant, **more} for n, who in enumerate(owners, 1)]
    )
    made = run_after_leaving(people, people.pairs[:1], table)
    after, theirs = rows_of(table), getattr(S, column)
    User.objects.filter(pk=S.pk).update(**{column: "other"})
    User.objects.filter(pk=people["X"].pk).update(**{column: theirs})
    assert conflicts(refused(made)) == [("(1)", "not theirs")]
    assert rows_of(table) == after


@pytest.mark.parametrize(
    ("table", "column", "of_key", "deleted"),
    [
        ("smallapp_outsidetext", "person", "k", "(1)"),  # S's record was dropped
        ("smallapp_outsidebig", "person_no", "slot", "(2)"),  # T's was replaced
    ],
)
def test_deleted_records_of_two_people_whose_ids_were_exchanged_since(
    people: People, table: str, column: str, of_key: str, deleted: str
) -> None:
    """With its number, the record would be that of the other one now."""
    S, T = people["S"], people["T"]
    insert(table, [{"id": n, column: who.external_id, of_key: 1} for n, who in enumerate((S, T), 1)])
    made = run_after_leaving(people, people.pairs[:1], table)
    after = rows_of(table)
    User.objects.filter(pk=S.pk).update(external_id="for the moment")
    User.objects.filter(pk=T.pk).update(external_id=S.external_id)
    User.objects.filter(pk=S.pk).update(external_id=T.external_id)
    assert (deleted, "not theirs") in conflicts(refused(made))
    assert rows_of(table) == after


@pytest.mark.parametrize("who", ["ST", "SX", "TX", "S", "T"])
@pytest.mark.parametrize(
    ("of_type", "value", "owner"),
    [
        ("text", "{S}", Column("of", holds="external_id")),
        ("text[]", "{{{S},777}}", ArrayColumn("of", holds="external_id")),
        ("jsonb", '{{"all": ["{S}", "777"]}}', JsonPath("of", "all", as_text=True, holds="external_id")),
        ("jsonb", '{{"one": "{S}"}}', JsonPath("of", "one", as_text=True, holds="external_id")),
    ],
)
def test_records_of_people_whose_ids_have_changed(
    people: People, monkeypatch: pytest.MonkeyPatch, of_type: str, value: str, owner: Owner, who: str
) -> None:
    """The two have exchanged their IDs, or one has another now, so what the record had or has is not theirs."""
    entry = documents(monkeypatch, of_type, owner)
    execute("INSERT INTO document VALUES (1, %s)", value.format(S=people["S"].external_id))
    made = transferred(people, entry, people.pairs[:1])
    after = rows_as_text([entry])
    exchange_ids(people, who)
    assert conflicts(refused(made)) == [("(1)", "not theirs")]
    assert rows_as_text([entry]) == after


@pytest.mark.parametrize("who", ["SX", "TX"])
def test_a_list_in_a_table_of_two_data_types(
    people: People, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """Each type maps the lists in its own way, so they are not mapped again to see whose they are."""
    owner = ArrayColumn("of", holds="external_id")
    entry = documents(monkeypatch, "text[]", owner)
    other = model_of("of_documents", of=ArrayField(models.TextField()))
    other._meta.db_table = "document"
    known(entry, monkeypatch, replace(entry, model=other))
    execute("INSERT INTO document VALUES (1, %s)", [people["S"].external_id, "777"])
    before = rows_as_text([entry])
    restore(transferred(people, entry, people.pairs[:1]))
    assert rows_as_text([entry]) == before
    made = transferred(people, entry, people.pairs[:1])
    exchange_ids(people, who)
    assert conflicts(refused(made)) == [("(1)", "not theirs")]


def test_a_list_of_people_of_whom_some_have_exchanged_their_ids(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T and V, who got it in two batches, have each other's ID now. Neither of them is replaced for the other."""
    entry = documents(monkeypatch, "text[]", ArrayColumn("of", holds="external_id"))
    execute("INSERT INTO document VALUES (1, %s)", [people[letter].external_id for letter in "SU"])
    made = transferred(people, entry, people.pairs, batches=2)
    after = rows_as_text([entry])
    exchange_ids(people, "TV")
    assert [pair.state for pair in undo_all(made)] == [PairState.FAILED] * 2
    undo_all(made, leave_changed=True)
    assert rows_as_text([entry]) == after


@pytest.mark.parametrize("batches", [1, 2])
def test_two_people_of_a_record_who_have_exchanged_their_ids(
    people: People, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    entry = visits(people, monkeypatch, "SU")
    made = transferred(people, entry, people.pairs, batches=batches)
    after = rows_as_text([entry])
    exchange_ids(people, "SU")
    assert [pair.state for pair in undo_all(made)] == [PairState.FAILED] * 2
    assert rows_as_text([entry]) == after


@pytest.mark.parametrize("users", ["ST", "TS"])
def test_a_person_who_was_cleared_because_it_would_have_been_twice_there(
    people: People, monkeypatch: pytest.MonkeyPatch, users: str
) -> None:
    entry = replace(visits(people, monkeypatch, users), self_edges="clear")
    before = rows_as_text([entry])
    made = transferred(people, known(entry, monkeypatch), people.pairs[:1])
    assert query("SELECT ARRAY[agent, coach] FROM {}", "visit") == [[people["T"].external_id, None]]
    restore(made)
    assert rows_as_text([entry]) == before


@pytest.mark.parametrize("other", ["S", "U"])
def test_a_conflict_elsewhere_does_not_keep_a_record_that_a_late_arrival_replaced(
    people: People, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    """Record 2 came to T, was replaced by record 3, and returns to S, whatever happened to another record."""
    change("CREATE TABLE duty (id integer PRIMARY KEY, person text, day integer, UNIQUE (person, day))")
    fields = {"person": models.TextField(), "day": models.IntegerField()}
    entry = known(
        DataType("Duties", model_of("duty", **fields), BY_PERSON, Combine(KeepSource()), "D."), monkeypatch
    )
    put_duty(people, (1, "T", 1), (2, "S", 1), (4, other, 2))
    first = transferred(people, entry, people.pairs)
    put_duty(people, (3, "S", 1))
    late = transferred(people, entry, people.pairs[:1], late=True)
    execute("UPDATE duty SET day = 3 WHERE id = 3")
    execute("UPDATE duty SET person = %s WHERE id = 4", people["X"].external_id)
    pairs = undo_all(first, late, leave_changed=True)
    left = [(key, why) for pair in pairs for key, why in conflicts(pair)]
    assert left == [("(4)", "changed")]
    letters = {user.external_id: letter for letter, user in people.users.items()}
    found = query("SELECT person FROM {} ORDER BY id", "duty")
    assert "".join(letters[person] for person in found) == "TSSX"


BY_PERSON = (Column("person", holds="external_id"),)


def put_duty(people: People, *rows: tuple[int, str, int]) -> None:
    for number, letter, day in rows:
        execute("INSERT INTO duty VALUES (%s, %s, %s)", number, people[letter].external_id, day)


def documents(monkeypatch: pytest.MonkeyPatch, of_type: str, owner: Owner) -> DataType:
    change(f"CREATE TABLE document (id bigint PRIMARY KEY, of {of_type})")
    array = ArrayField(models.TextField())
    field = {"text": models.TextField(), "text[]": array, "jsonb": models.JSONField()}[of_type]
    return known(
        DataType("Documents", model_of("document", of=field), (owner,), Combine(), "D."), monkeypatch
    )


def visits(people: People, monkeypatch: pytest.MonkeyPatch, users: str) -> DataType:
    """Create a visit of an agent and a coach, who are known by their external IDs."""
    change("CREATE TABLE visit (id bigint PRIMARY KEY, agent text, coach text)")
    visit = model_of("visit", agent=models.TextField(null=True), coach=models.TextField(null=True))
    execute("INSERT INTO visit VALUES (1, %s, %s)", *(people[letter].external_id for letter in users))
    owners = tuple(Column(name, holds="external_id") for name in ("agent", "coach"))
    return known(DataType("Visits", visit, owners, Combine(), "V."), monkeypatch)


def exchange_ids(people: People, who: str) -> None:
    """Give two people each other's external ID, or one person another one."""
    ids = [people[letter].external_id for letter in who]
    for number, letter in enumerate(who):
        User.objects.filter(pk=people[letter].pk).update(external_id=f"9999{number}")
    if len(who) == 2:
        for letter, theirs in zip(who, reversed(ids), strict=True):
            User.objects.filter(pk=people[letter].pk).update(external_id=theirs)


@pytest.mark.parametrize(
    ("table", "since"),
    [
        ("smallapp_attachment", "UPDATE smallapp_attachment SET kind = 'team'"),
        ("smallapp_badge", "UPDATE smallapp_badge SET tenant_id = {there}"),
    ],
)
def test_a_record_that_is_no_users_any_more_or_of_another_tenant(
    people: People, table: str, since: str
) -> None:
    S = people["S"]
    row = {
        "smallapp_attachment": {"kind": "user", "object_id": S.pk, "name": "a"},
        "smallapp_badge": {"tenant_id": people.here.pk, "employee_id": S.employee_id, "door": 1},
    }[table]
    insert(table, [{"id": 1, **row}])
    made = run_after_leaving(people, people.pairs[:1], table)
    execute(since.format(there=people.there.pk))
    after = rows_of(table)
    assert conflicts(refused(made)) == [("(1)", "not theirs")]
    assert rows_of(table) == after


def test_a_merged_record_that_another_user_has_now(people: People) -> None:
    """Neither it nor the record that was merged into it goes back."""
    put(people, "smallapp_counter", ("T", 1, 10), ("S", 1, 5), columns="owner day n")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_counter")
    execute("UPDATE smallapp_counter SET owner_id = %s", people["X"].pk)
    pair = refused(made)
    assert conflicts(pair) == [("(1)", "not theirs"), ("(2)", "folded")]
    assert [(row["owner_id"], row["n"]) for row in rows_of("smallapp_counter")] == [(people["X"].pk, 15)]


@pytest.mark.parametrize(
    ("fold", "values", "failed"),
    [(Max(), (1, 2, 2), 1), (Min(), (2, 1, 1), 1), (FillBlank(), (None, 5, 6), 1), (Sum(), (1, 2, 2), 0)],
)
def test_a_record_into_which_another_transfer_merged_one_too(
    people: People, monkeypatch: pytest.MonkeyPatch, fold: Fold, values: Sequence[int | None], failed: int
) -> None:
    """What the other one brought is not lost. Of a sum, only a part is taken back."""
    entry = known(replace(type_of("smallapp_barter"), rule=Combine(Merge({"n": fold}))), monkeypatch)
    if None in values:
        change("ALTER TABLE smallapp_barter ALTER n DROP NOT NULL")
    for number, (letters, n) in enumerate(zip(("TX", "SV", "VU"), values, strict=True), 1):
        seller, buyer = (people[letter].pk for letter in letters)
        execute(
            "INSERT INTO smallapp_barter (id, k, n, seller_id, buyer_id) VALUES (%s, 1, %s, %s, %s)",
            number,
            n,
            seller,
            buyer,
        )
    before = rows_as_text([entry])
    first, second = (
        transferred(people, entry, [(people[one], people[other])]) for one, other in ("ST", "UX")
    )
    after = rows_as_text([entry])
    [pair] = undo_all(first)
    assert ("belongs also to users for whom it is not undone" in pair.reason) == failed
    assert (rows_as_text([entry]) == after) == failed
    if failed:
        restore(second)
        restore(first)
        assert rows_as_text([entry]) == before


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("fold", [Max(), FillBlank()])
def test_a_record_that_keeps_what_another_pair_merged_into_it(
    people: People, monkeypatch: pytest.MonkeyPatch, fold: Fold, *, together: bool
) -> None:
    """The record that U→V merged cannot return: its place is taken. What it brought stays when S→T is undone."""
    change(
        "CREATE TABLE note (id bigint PRIMARY KEY, a_id bigint, b_id bigint, m integer, UNIQUE (a_id, b_id))"
    )
    entry = notes_of_two(people, monkeypatch, fold, ("TV", None), ("SV", 2), ("TU", 2))
    pairs = people.pairs[:2]
    if together:
        with only(entry):
            made = [run_pairs(people.by, pairs, [entry], batches=2).transfer_id]
    else:
        made = [transferred(people, entry, [pair]) for pair in pairs]
    execute("INSERT INTO note VALUES (4, %s, %s, 100)", people["T"].pk, people["U"].pk)
    for one in reversed(made):
        undo_all(one, leave_changed=True)
    assert query("SELECT m FROM {} ORDER BY id", "note") == [2, 100]


@pytest.mark.parametrize("batches", [1, 2])
def test_a_sum_that_was_merged_further(people: People, monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    """The first merged record stays away while the one that got its hours is merged into a third."""
    change(
        "CREATE TABLE note (id bigint PRIMARY KEY, a_id bigint, b_id bigint, m integer, UNIQUE (a_id, b_id))"
    )
    entry = notes_of_two(people, monkeypatch, Sum(), ("SU", 10), ("TU", 2), ("TV", 4))
    if batches == 2:
        with only(entry):
            made = run_pairs(people.by, people.pairs[:2], [entry], batches=2).transfer_id
    else:
        made, _ = (transferred(people, entry, [pair]) for pair in people.pairs[:2])
    undo_all(made, leave_changed=True, sources=[people["S"]])
    assert query("SELECT m FROM {}", "note") == [16]


def notes_of_two(
    people: People, monkeypatch: pytest.MonkeyPatch, fold: Fold, *rows: tuple[str, int | None]
) -> DataType:
    note = model_of("note", a=to(User), b=to(User), m=models.IntegerField(null=True))
    rule = Combine(Merge({"m": fold}))
    entry = known(DataType("Notes", note, (Column("a"), Column("b")), rule, "Notes."), monkeypatch)
    monkeypatch.setattr(journal, "by_key", lambda key: entry)
    for number, (letters, m) in enumerate(rows, start=1):
        a, b = (people[letter].pk for letter in letters)
        execute("INSERT INTO note VALUES (%s, %s, %s, %s)", number, a, b, m)
    return entry


def test_a_child_does_not_return_to_a_record_that_has_the_key_of_its_parent(people: People) -> None:
    """The child of T's replaced shift, whose number X's shift has now, stays deleted."""
    S, T, X = (people[letter].pk for letter in "STX")
    insert("smallapp_shift", [{"id": n, "worker_id": who, "slot": n} for n, who in ((1, S), (2, T))])
    insert("smallapp_shiftbreak", [{"id": 1, "shift_id": 2}])
    made = run_after_leaving(people, people.pairs[:1], "smallapp_shift")
    insert("smallapp_shift", [{"id": 2, "worker_id": X, "slot": 9}])
    pair = refused(made)
    assert [row.why for row in UndoConflict.objects.filter(pair=pair).order_by("table")] == [
        "key taken",
        "parent gone",
    ]
    assert rows_of("smallapp_shiftbreak") == []


# --- Entries that are about references, and entries of several pairs -------------------------------------------------


def tasks(
    people: People, monkeypatch: pytest.MonkeyPatch, *rows: tuple[int, str, str, int, object]
) -> DataType:
    """Create tasks (number, letters of the owner and the second user, name, m, parent), which are merged by Sum."""
    change("""
        CREATE TABLE task (id bigint PRIMARY KEY, owner_id bigint NOT NULL, second_id bigint, name text, m integer,
            parent_id bigint REFERENCES task, UNIQUE (owner_id, name));
    """)
    columns = {"name": models.TextField(), "m": models.IntegerField()}
    task = model_of(
        "task", owner=to(User), second=to(User, null=True), parent=to("self", null=True), **columns
    )
    children = (Child(task, "parent", detached=True),)
    owners, rule = (Column("owner"), Column("second")), Combine(Merge({"m": Sum()}))
    entry = DataType("Tasks", task, owners, rule, "Tasks.", children=children)
    monkeypatch.setattr(journal, "by_key", lambda key: entry)
    for number, letters, name, m, parent in rows:
        owner, second = [*(people[letter].pk for letter in letters), None][:2]
        execute("INSERT INTO task VALUES (%s, %s, %s, %s, %s, %s)", number, owner, second, name, m, parent)
    return known(entry, monkeypatch)


def test_a_merged_record_that_also_lost_its_parent(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others have it now, so what was merged into it stays, although its last entry is that of the parent."""
    rows = ((3, "S", "b", 2, None), (4, "T", "b", 1, None), (1, "S", "a", 5, None), (2, "T", "a", 1, 3))
    entry = tasks(people, monkeypatch, *rows)
    made = transferred(people, entry, people.pairs[:1])
    execute("UPDATE task SET owner_id = %s WHERE id = 2", people["X"].pk)
    [pair] = undo_all(made, leave_changed=True)
    assert query("SELECT m FROM {} WHERE id = 2", "task") == [6]
    assert query("SELECT count(*) FROM {} WHERE id = 1", "task") == [0]
    assert ("(2)", "not theirs") in conflicts(pair)


@pytest.mark.parametrize("is_given_away", [False, True])
@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
def test_a_record_that_was_merged_for_two_pairs(
    people: People, monkeypatch: pytest.MonkeyPatch, numbers: tuple[int, int], *, is_given_away: bool
) -> None:
    """Each of U's tasks, with S as second user, was merged into one of V, which neither S nor T have ever had."""
    of_source, of_target = numbers
    rows = [
        (10 * place + number, letters, name, m, None)
        for place, name in enumerate("abcdef")
        for number, letters, m in ((of_source, "US", 5), (of_target, "V", 1))
    ]
    entry = tasks(people, monkeypatch, *rows)
    before = rows_as_text([entry])
    made = transferred(people, entry, people.pairs)
    if is_given_away:
        execute("UPDATE task SET owner_id = %s", people["X"].pk)
        after = rows_as_text([entry])
        pairs = undo_all(made, leave_changed=True)
        assert rows_as_text([entry]) == after
        found = [one for pair in pairs for one in conflicts(pair)]
        assert {(f"({10 * place + of_target})", "not theirs") for place in range(6)} <= set(found)
    else:
        assert [pair.reason for pair in undo_all(made)] == ["", ""]
        assert rows_as_text([entry]) == before
