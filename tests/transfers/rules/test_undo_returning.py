"""Undo of records that one batch of the transfer changed, and another batch deleted."""

from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from hypothesis import given

from accounts.models import User
from tests.harness.oracle.world import World
from tests.transfers.rules import drawing
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import SOURCES, People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import insert, query, rows_of, type_of, undo_all
from tests.transfers.rules.test_undo import few, run_after_leaving, undo_completely, worlds
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.engine.undo.prediction import joint_groups, predict_undo
from transfers.engine.undo.tables import UndonePair
from transfers.models import PairState, TransferPair, UndoConflict
from transfers.rules import (
    ArrayColumn,
    Child,
    Column,
    Combine,
    DataType,
    KeepSource,
    Latest,
    Overwrite,
    Owner,
    Rule,
)

SHARED = "also to users for whom it is not undone"


@pytest.fixture
def links(people: People) -> int:
    """Link 1 is of both sources. The first batch changes it, the second drops it because of link 2.

    Returns the ID of the transfer.
    """
    insert("smallapp_link", [link(people, 1, "SU"), link(people, 2, "TV")])
    return run_after_leaving(people, people.pairs, "smallapp_link", batches=2)


def link(people: People, number: int, letters: str) -> dict[str, int]:
    return {"id": number, "a_user_id": people[letters[0]].pk, "b_user_id": people[letters[1]].pk}


def now(people: People) -> dict[int, str]:
    """Return the letters of the users of each link, by the ID of the link."""
    letters = {user.pk: letter for letter, user in people.users.items()}
    return {
        row["id"]: letters[row["a_user_id"]] + letters[row["b_user_id"]] for row in rows_of("smallapp_link")
    }


def test_it_returns_as_it_was_before_both(people: People, links: int) -> None:
    assert now(people) == {2: "TV"}
    restore(links)
    assert now(people) == {1: "SU", 2: "TV"}
    undone = TransferPair.objects.filter(transfer__undoes=links).order_by("row_number")
    assert [(pair.counts or {})["smallapp.link"] for pair in undone] == [
        {"returned": 1, "stays": 1},
        {"restored": 1, "stays": 1},
    ]


def test_their_pairs_are_in_one_chunk(links: int) -> None:
    pairs = set(TransferPair.objects.filter(transfer=links).values_list("pk", flat=True))
    assert joint_groups(sorted(pairs)) == [pairs]


def test_it_returns_for_the_pair_that_deleted_it_and_then_for_the_other(people: People, links: int) -> None:
    undo_completely(links, people.pairs[1])
    assert now(people) == {1: "TU", 2: "TV"}
    undo_completely(links, people.pairs[0])
    assert now(people) == {1: "SU", 2: "TV"}


def test_it_stays_deleted_as_long_as_the_other_pair_is_not_undone(people: People, links: int) -> None:
    first, second = TransferPair.objects.filter(transfer=links).order_by("pk")
    predicted = predict_undo(
        [UndonePair(1, first.target_id, first.source_id, (first.pk,))], leave_changed=False
    )
    assert predicted[1].shared_with == (second.pk,)
    [pair] = undo_all(links, sources=people.pairs[0][:1])
    assert (pair.state, pair.reason.split(": ")[-1]) == (PairState.FAILED, f"1 record belongs {SHARED}.")
    [pair] = undo_all(links, sources=people.pairs[0][:1], leave_changed=True)
    assert (pair.state, pair.counts) == (PairState.SUCCEEDED, {"smallapp.link": {"left": 1, "stays": 1}})
    assert now(people) == {2: "TV"}


def test_it_stays_deleted_if_the_other_pair_is_in_conflict(people: People, links: int) -> None:
    """Another link has its key now, and would have it also if only the pair that dropped it were undone."""
    insert("smallapp_link", [link(people, 3, "SU"), link(people, 4, "TU")])
    changed, deleted = [pair.reason for pair in undo_all(links)]
    assert SHARED in changed
    assert "unique key that another record has now" in deleted
    assert now(people) == {2: "TV", 3: "SU", 4: "TU"}


def test_what_was_changed_is_listed_before_what_is_shared(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many conflicts only some are kept, and the preview says of both that they are there."""
    monkeypatch.setattr("transfers.engine.undo.prediction.CONFLICTS_KEPT", 1)
    insert(
        "smallapp_link", [link(people, n, letters) for n, letters in enumerate(("SU", "TV", "SX"), start=1)]
    )
    made = run_after_leaving(people, people.pairs, "smallapp_link", batches=2)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE smallapp_link SET a_user_id = b_user_id WHERE id = 3")
    first = TransferPair.objects.filter(transfer=made).order_by("pk")[0]
    pair = UndonePair(1, first.target_id, first.source_id, (first.pk,))
    found = predict_undo([pair], leave_changed=False)[1]
    assert (found.counts["smallapp.link"]["left"], [one.key for one in found.conflicts]) == (2, ["(3)"])


def test_a_row_that_lost_a_reference_and_was_then_deleted_refers_to_it_again(people: People) -> None:
    """V's ticket refers to T's, which the first batch replaces. The second replaces V's ticket itself."""
    for number, letter in enumerate("STUV", start=1):
        merged_to = 2 if letter == "V" else None
        row = {"id": number, "owner_id": people[letter].pk, "v": 1, "merged_to_id": merged_to}
        insert("smallapp_ticket", [row])
    before = rows_of("smallapp_ticket")
    made = run_after_leaving(people, people.pairs, "smallapp_ticket", batches=2)
    assert [row["id"] for row in rows_of("smallapp_ticket")] == [1, 3]
    restore(made)
    assert rows_of("smallapp_ticket") == before


def with_both_sources(row: Any) -> bool:
    return all(f"letter='{source}'" in str(row) for source in SOURCES)


SEVERAL_USERS = [table for table in drawing.TABLES if len(type_of(table).owners) > 1]


@pytest.mark.parametrize("table", SEVERAL_USERS)
def test_two_batches_are_undone_as_a_whole(people: People, table: str) -> None:
    entry = type_of(table)
    people.suit(entry)

    @few
    @given(worlds(table).filter(lambda world: any(map(with_both_sources, world[table]))))
    def undone(world: World) -> None:
        with transaction.atomic():
            for name, rows in world.items():
                insert(name, people.spell(rows))
            before = rows_as_text([entry])
            restore(run_after_leaving(people, people.pairs, table, batches=2))
            assert rows_as_text([entry]) == before
            transaction.set_rollback(True)

    undone()


def members(monkeypatch: pytest.MonkeyPatch, rule: Rule) -> DataType:
    change(
        "CREATE TABLE member (user_id bigint, project integer, by_id bigint, PRIMARY KEY (user_id, project))"
    )
    key = models.CompositePrimaryKey("user", "project")
    member = model_of("member", user=to(User), by=to(User, null=True), project=models.IntegerField(), pk=key)
    return known(DataType("Members", member, (Column("user"), Column("by")), rule, "Members."), monkeypatch)


def test_a_record_that_was_changed_and_deleted_before_another_one_got_its_key(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T's membership returns to T, and not to S, whose own one has been removed since it arrived late."""
    entry = members(monkeypatch, Combine(KeepSource()))
    S, T, X = (people[letter].pk for letter in "STX")
    execute("INSERT INTO member VALUES (%s, 1, %s)", T, S)
    first = transferred(people, entry, people.pairs[:1])
    execute("INSERT INTO member VALUES (%s, 1, %s)", S, X)
    late = transferred(people, entry, people.pairs[:1], late=True)
    execute("DELETE FROM member")
    [pair] = undo_all(first, late, leave_changed=True)
    assert query("SELECT ARRAY[user_id, by_id] FROM {}", "member") == [[T, S]]
    assert UndoConflict.objects.get(pair=pair).why == "deleted"


@pytest.mark.parametrize("since", ["DELETE FROM member", "UPDATE member SET project = 2"])
@pytest.mark.parametrize("rule", [Combine(KeepSource()), Overwrite()], ids=str)
def test_a_record_that_was_deleted_before_another_one_got_its_key(
    people: People, monkeypatch: pytest.MonkeyPatch, rule: Rule, since: str
) -> None:
    """T's membership was deleted, so that of S got its key. People have removed S's since: T's alone returns."""
    entry = members(monkeypatch, rule)
    S, T, X, V = (people[letter].pk for letter in "STXV")
    execute("INSERT INTO member VALUES (%s, 1, %s), (%s, 1, %s)", S, X, T, V)
    made = transferred(people, entry, people.pairs[:1])
    execute(since)
    left = query("SELECT by_id FROM {}", "member")
    [pair] = undo_all(made)
    assert (pair.state, query("SELECT by_id FROM {}", "member")) == (PairState.FAILED, left)
    [pair] = undo_all(made, leave_changed=True)
    assert UndoConflict.objects.get(pair=pair).why == "deleted"
    assert query("SELECT user_id FROM {} WHERE by_id = " + str(V), "member") == [T]
    assert query("SELECT count(*) FROM {}", "member") == [1 + len(left)]


@pytest.mark.parametrize("key", ["id", "user_id, project"])
@pytest.mark.parametrize(
    ("since", "together", "memberships"),
    [
        ("SELECT", True, ["S: late", "T: own"]),
        ("SELECT", False, ["S: late", "T: moved"]),
        ("DELETE FROM member", True, ["S: moved", "T: own"]),
        ("DELETE FROM member", False, ["S: moved", "T: own"]),
        ("UPDATE member SET user_id = {X}", True, ["S: moved", "T: own", "X: late"]),
        ("UPDATE member SET user_id = {X}", False, ["S: moved", "T: own", "X: late"]),
    ],
)
def test_a_record_that_was_moved_and_replaced_before_another_one_got_its_key(
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    since: str,
    memberships: list[str],
    *,
    together: bool,
) -> None:
    """T's own membership returns. That of S does so unless the late one, which has its key, goes back to S.

    If the late arrival is undone first, S's membership is T's again. It can then go back to S only if that has none.
    """
    columns = "id integer, user_id bigint, project integer, note text"
    change(f"CREATE TABLE member ({columns}, PRIMARY KEY ({key}), UNIQUE (user_id, project))")
    fields = {"user": to(User), "project": models.IntegerField(), "note": models.TextField()}
    fields |= {"id": models.IntegerField(primary_key=True)}
    if key != "id":
        fields |= {"id": models.IntegerField(), "pk": models.CompositePrimaryKey("user", "project")}
    entry = DataType("Members", model_of("member", **fields), (Column("user"),), Combine(KeepSource()), "M.")
    known(entry, monkeypatch)
    letters = {str(user.pk): letter for letter, user in people.users.items()}
    execute(
        "INSERT INTO member VALUES (1, %s, 1, 'moved'), (2, %s, 1, 'own')", people["S"].pk, people["T"].pk
    )
    first = transferred(people, entry, people.pairs[:1])
    execute("INSERT INTO member VALUES (3, %s, 1, 'late')", people["S"].pk)
    late = transferred(people, entry, people.pairs[:1], late=True)
    execute(since.format(X=people["X"].pk))
    if together:
        before = rows_as_text([entry])
        [pair] = undo_all(first, late)
        assert (pair.state, rows_as_text([entry])) == (PairState.FAILED, before)
        [pair] = undo_all(first, late, leave_changed=True)
    else:
        undo_all(late, leave_changed=True)
        [pair] = undo_all(first, leave_changed=True)
    found = query("SELECT ARRAY[user_id::text, note] FROM {}", "member")
    assert sorted(f"{letters[user]}: {note}" for user, note in found) == memberships
    whys = set(UndoConflict.objects.filter(pair=pair).values_list("why", flat=True))
    assert whys <= {"deleted", "changed", "key taken"}


SECOND = {"by": Column("by"), "watchers": ArrayColumn("watchers")}


@pytest.fixture(params=["id", "user_id, project"])
def key(request: pytest.FixtureRequest) -> str:
    """The primary key. What is right does not depend on it."""
    return str(request.param)


def reviewed(monkeypatch: pytest.MonkeyPatch, key: str, second: Owner) -> DataType:
    """A type with a second user beside the one in the unique key: in a column of their own, or in a list."""
    columns = "id integer, user_id bigint, project integer, by_id bigint, watchers bigint[]"
    change(f"CREATE TABLE review ({columns}, PRIMARY KEY ({key}), UNIQUE (user_id, project))")
    fields = {"user": to(User), "project": models.IntegerField(), "by": to(User, null=True)}
    fields |= {"watchers": ArrayField(models.BigIntegerField(), null=True)}
    if key == "id":
        fields["id"] = models.IntegerField(primary_key=True)
    else:
        fields |= {"id": models.IntegerField(), "pk": models.CompositePrimaryKey("user", "project")}
    owners = Column("user"), second
    entry = DataType("Reviews", model_of("review", **fields), owners, Combine(KeepSource()), "Reviews.")
    return known(entry, monkeypatch)


def put_review(people: People, number: int, users: str) -> None:
    user, second = (people[letter].pk for letter in users)
    execute("INSERT INTO review VALUES (%s, %s, 1, %s, ARRAY[%s])", number, user, second, second)


@pytest.mark.parametrize("second", ["by", "watchers"])
@pytest.mark.parametrize("together", [True, False])
def test_a_record_of_the_target_of_which_the_transfer_changed_another_user(
    people: People, monkeypatch: pytest.MonkeyPatch, key: str, second: str, *, together: bool
) -> None:
    """The late record goes back with its key, so the one that it replaced returns to T, with S as second user."""
    entry = reviewed(monkeypatch, key, SECOND[second])
    put_review(people, 1, "TS")
    before = rows_as_text([entry])
    first = transferred(people, entry, people.pairs[:1])
    put_review(people, 2, "SX")
    late = transferred(people, entry, people.pairs[:1], late=True)
    for made in [(first, late)] if together else [(late,), (first,)]:
        assert [pair.reason for pair in undo_all(*made)] == [""]
    execute("DELETE FROM review WHERE id = 2")
    assert rows_as_text([entry]) == before


def test_each_of_two_records_that_had_one_key_is_counted(
    people: People, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Record 1 returns to T with S as second user, and record 3 goes back. Record 2 is of both pairs."""
    entry = reviewed(monkeypatch, key, Column("by"))
    put_review(people, 1, "TS")
    execute("INSERT INTO review VALUES (2, %s, 5, %s, NULL)", people["S"].pk, people["U"].pk)
    first = transferred(people, entry, people.pairs)
    put_review(people, 3, "SX")
    late = transferred(people, entry, people.pairs[:1], late=True)
    pair, _ = undo_all(first, late)
    assert pair.counts == {"smallapp.review": {"returned": 3, "restored": 1}}


@pytest.mark.parametrize("second", ["by", "watchers"])
def test_a_record_that_one_batch_changed_and_the_next_replaced(
    people: People, monkeypatch: pytest.MonkeyPatch, key: str, second: str
) -> None:
    """S→T changes the second user of V's record. Then U→V replaces that by U's, which gets its key."""
    entry = reviewed(monkeypatch, key, SECOND[second])
    for number, users in enumerate(("VS", "UX", "SX"), start=1):
        put_review(people, number, users)
    before = rows_as_text([entry])
    restore(transferred(people, entry, people.pairs, batches=2))
    assert rows_as_text([entry]) == before


@pytest.mark.parametrize("key", ["id", "a_id, b_id"])
def test_links_that_got_one_key_one_after_the_other(
    people: People, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """TV's place is taken by SV, TU and a late SV. It returns; the first SV cannot, because the late one goes back."""
    change(
        f"CREATE TABLE tie (id integer, a_id bigint, b_id bigint, PRIMARY KEY ({key}), UNIQUE (a_id, b_id))"
    )
    fields = {"id": models.IntegerField(primary_key=True), "a": to(User), "b": to(User)}
    if key != "id":
        fields |= {"id": models.IntegerField(), "pk": models.CompositePrimaryKey("a", "b")}
    owners = Column("a"), Column("b")
    entry = DataType(
        "Ties", model_of("tie", **fields), owners, Combine(KeepSource()), "T.", self_edges="drop"
    )
    known(entry, monkeypatch)

    def put_tie(number: int, users: str) -> None:
        execute("INSERT INTO tie VALUES (%s, %s, %s)", number, *(people[letter].pk for letter in users))

    for number, users in enumerate(("TV", "SV", "TU"), start=1):
        put_tie(number, users)
    first = transferred(people, entry, people.pairs, batches=2)
    put_tie(4, "SV")
    late = transferred(people, entry, people.pairs[:1], late=True)
    after = rows_as_text([entry])
    assert {pair.state for pair in undo_all(first, late)} == {PairState.FAILED}
    assert rows_as_text([entry]) == after
    undo_all(first, late, leave_changed=True)
    letters = {user.pk: letter for letter, user in people.users.items()}
    found = query("SELECT ARRAY[id, a_id, b_id] FROM {} ORDER BY id", "tie")
    assert [f"{n} {letters[a]}{letters[b]}" for n, a, b in found] == ["1 TV", "3 TU", "4 SV"]


# --- Late arrivals that replace what the transfer moved --------------------------------------------------------------


@pytest.fixture
def areas(monkeypatch: pytest.MonkeyPatch, db: None) -> DataType:
    """A type with one owner and children, of which the later record stays."""
    change("""
        CREATE TABLE area (id integer PRIMARY KEY, owner_id bigint, name text, x integer, UNIQUE (owner_id, name));
        CREATE TABLE tag (id integer PRIMARY KEY, area_id integer NOT NULL REFERENCES area, n integer,
            UNIQUE (area_id, n));
    """)
    area = model_of("area", owner=to(User), name=models.TextField(), x=models.IntegerField())
    children = (Child(model_of("tag", area=to(area)), "area"),)
    rule = Combine(Latest("x"))
    return known(DataType("Areas", area, (Column("owner"),), rule, "Areas.", children=children), monkeypatch)


def put_area(people: People, number: int, letter: str, tag: int) -> None:
    execute("INSERT INTO area VALUES (%s, %s, 'same', %s)", number, people[letter].pk, number)
    execute("INSERT INTO tag VALUES (%s, %s, 1)", tag, number)


def areas_of(people: People) -> dict[int, str]:
    letters = {user.pk: letter for letter, user in people.users.items()}
    return {row["id"]: letters[row["owner_id"]] for row in rows_of("area")}


EDITS = {
    "": {2: "S"},
    "UPDATE area SET name = 'other' WHERE id = 2": {1: "S", 2: "S"},
    "UPDATE area SET owner_id = {X} WHERE id = 2": {1: "S", 2: "X"},
    "DELETE FROM tag WHERE area_id = 2; DELETE FROM area WHERE id = 2": {1: "S"},
}


@pytest.mark.parametrize(("edit", "owners"), EDITS.items())
def test_a_record_that_a_late_arrival_replaced(
    people: People, areas: DataType, edit: str, owners: dict[int, str]
) -> None:
    """Area 1 was S's. It goes back unless area 2, which has its name, does, but in no case to T."""
    put_area(people, 1, "S", 7)
    first = transferred(people, areas, people.pairs[:1])
    put_area(people, 2, "S", 8)
    late = transferred(people, areas, people.pairs[:1], late=True)
    assert areas_of(people) == {2: "T"}
    execute(edit.format(X=people["X"].pk) or "SELECT")
    [pair] = undo_all(first, late, leave_changed=True)
    assert (pair.state, areas_of(people)) == (PairState.SUCCEEDED, owners)


def test_a_child_that_a_late_arrival_replaced(people: People, areas: DataType) -> None:
    """Tag 7 came from area 1 to area 2, and was deleted when that lost to area 3."""
    put_area(people, 1, "S", 7)
    execute("INSERT INTO area VALUES (2, %s, 'same', 2)", people["T"].pk)
    first = transferred(people, areas, people.pairs[:1])
    put_area(people, 3, "S", 8)
    late = transferred(people, areas, people.pairs[:1], late=True)
    execute("UPDATE area SET name = 'other'")
    [pair] = undo_all(first, late)
    assert (pair.reason, areas_of(people)) == ("", {1: "S", 2: "T", 3: "S"})
    assert query("SELECT ARRAY[id, area_id] FROM {} ORDER BY id", "tag") == [[7, 1], [8, 3]]
