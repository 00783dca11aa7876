"""Undo of tables whose primary key holds users: the key of one record may be that of another one since."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from django.db import models

from accounts.models import User
from tests.fixtures import cast
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.meddling import meddle
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import UserPair, only, query, run_pairs, undo_all
from transfers.engine.undo.loading import entries, returning
from transfers.models import PairState, UndoConflict
from transfers.rules import Child, Column, Combine, DataType, KeepSource, KeepTarget


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch, db: None) -> DataType:
    """Links between two users, of which the source's survive."""
    change("CREATE TABLE tie (a_id bigint, b_id bigint, note text, PRIMARY KEY (a_id, b_id))")
    model = model_of("tie", a=to(User), b=to(User), note=models.TextField())
    return known(
        DataType("Links", model, (Column("a"), Column("b")), Combine(KeepSource()), "Links."), monkeypatch
    )


def known(entry: DataType, monkeypatch: pytest.MonkeyPatch, *others: DataType) -> DataType:
    for module in (entries, returning):
        monkeypatch.setattr(module, "data_types", lambda: [entry, *others])
    return entry


def put_links(people: People, *links: str) -> None:
    """Insert links, each given as the letters of two users."""
    for one, other in links:
        execute("INSERT INTO tie VALUES (%s, %s, %s)", people[one].pk, people[other].pk, one + other)


def transferred(
    people: People, entry: DataType, pairs: Sequence[UserPair], batches: int = 1, *, late: bool = False
) -> int:
    """Transfer the pairs of users who have left, as confirmed without warnings."""
    User.objects.filter(pk__in=[user.pk for user in people.users.values()]).update(is_active=True)
    User.objects.filter(pk__in=[source.pk for source, _ in pairs]).update(is_active=False)
    with only(entry):
        return run_pairs(people.by, pairs, [entry], batches=batches, late=late).transfer_id


def links(people: People) -> dict[str, str]:
    """Return the letters of the users that each link has now, by those that it had."""
    letters = {user.pk: letter for letter, user in people.users.items()}
    found = query("SELECT ARRAY[a_id, b_id] FROM {} ORDER BY note", "tie")
    return dict(
        zip(
            query("SELECT note FROM {} ORDER BY note", "tie"),
            ["".join(letters[int(one)] for one in ids) for ids in found],
            strict=True,
        )
    )


def test_a_link_that_takes_the_key_of_one_that_another_batch_moved(people: People, link: DataType) -> None:
    """S→T moves SV to TV. Then U→V moves TU there, in the place of SV. Both are taken back at once."""
    put_links(people, "TU", "SV")
    before = rows_as_text([link])
    made = transferred(people, link, people.pairs, batches=2)
    assert links(people) == {"TU": "TV"}
    restore(made)
    assert rows_as_text([link]) == before


@pytest.mark.parametrize("leave_changed", [False, True])
def test_a_pair_whose_link_was_deleted_by_a_pair_that_is_not_undone(
    people: People, link: DataType, *, leave_changed: bool
) -> None:
    put_links(people, "TU", "SV")
    made = transferred(people, link, people.pairs, batches=2)
    [pair] = undo_all(made, sources=[people["S"]], leave_changed=leave_changed)
    assert pair.state == (PairState.SUCCEEDED if leave_changed else PairState.FAILED)
    assert [row.why for row in UndoConflict.objects.filter(pair=pair)] == ["shared"]
    assert links(people) == {"TU": "TV"}


def test_links_that_are_changed_by_both_of_their_users_at_once(people: People, link: DataType) -> None:
    put_links(people, "SU", "US", "SX", "XU")
    before = rows_as_text([link])
    restore(transferred(people, link, people.pairs))
    assert rows_as_text([link]) == before


def test_a_key_with_one_of_two_users_that_two_batches_change(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second batch does not change the key, so it says nothing of another record."""
    change("CREATE TABLE post (user_id bigint, n integer, by_id bigint, PRIMARY KEY (user_id, n))")
    post = model_of("post", user=to(User), by=to(User), n=models.IntegerField())
    owners = Column("user"), Column("by")
    entry = known(DataType("Posts", post, owners, Combine(KeepTarget()), "Posts."), monkeypatch)
    execute("INSERT INTO post VALUES (%s, 1, %s)", people["S"].pk, people["U"].pk)
    before = rows_as_text([entry])
    restore(transferred(people, entry, people.pairs, batches=2))
    assert rows_as_text([entry]) == before


def duties(monkeypatch: pytest.MonkeyPatch) -> DataType:
    change("CREATE TABLE duty (user_id bigint, n integer, note text, PRIMARY KEY (user_id, n))")
    duty = model_of("duty", user=to(User), n=models.IntegerField(), note=models.TextField())
    rule = Combine(KeepTarget())
    return known(DataType("Duties", duty, (Column("user"),), rule, "Duties."), monkeypatch)


def test_a_late_arrival_with_the_key_of_a_record_that_was_deleted_since(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the late one is there to go back."""
    entry, made = duties(monkeypatch), []
    for note in ("first", "late"):
        execute("INSERT INTO duty VALUES (%s, 1, %s)", people["S"].pk, note)
        made.append(transferred(people, entry, people.pairs[:1], late=note == "late"))
        execute("DELETE FROM duty WHERE note = 'first'")
    [pair] = undo_all(*made, leave_changed=True)
    assert [row.why for row in UndoConflict.objects.filter(pair=pair)] == ["deleted"]
    assert (pair.counts or {})["smallapp.duty"] == {"left": 1, "returned": 1}
    assert query("SELECT user_id::text || note FROM {}", "duty") == [f"{people['S'].pk}late"]


@pytest.fixture
def post(people: People, monkeypatch: pytest.MonkeyPatch) -> DataType:
    """A post of S, written by U, takes the place of one of T, written by V."""
    change("CREATE TABLE post (user_id bigint, n integer, by_id bigint, note text, PRIMARY KEY (user_id, n))")
    post = model_of("post", user=to(User), by=to(User), n=models.IntegerField(), note=models.TextField())
    for one, other in ("SU", "TV"):
        execute("INSERT INTO post VALUES (%s, 1, %s, %s)", people[one].pk, people[other].pk, f"of {one}")
    owners = Column("user"), Column("by")
    return known(DataType("Posts", post, owners, Combine(KeepSource()), "Posts."), monkeypatch)


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("first", ["S", "U"])
def test_pairs_of_one_record_that_are_undone_one_after_the_other(
    people: People, post: DataType, batches: int, first: str
) -> None:
    """If S→T were undone alone, U→V would find the post of T, which returns with the key."""
    before = rows_as_text([post])
    made = transferred(people, post, people.pairs, batches)
    order = [people[first], people["U" if first == "S" else "S"]]
    pairs = [undo_all(made, sources=[source])[0] for source in order]
    failed = [pair for pair in pairs if pair.state == PairState.FAILED]
    assert len(failed) == {("U", 2): 0, ("S", 2): 1}.get((first, batches), 2)
    assert all("belongs also to users for whom it is not undone" in pair.reason for pair in failed)
    if failed:
        undone = undo_all(made, sources=[pair.target for pair in failed])
        assert [pair.state for pair in undone] == [PairState.SUCCEEDED] * len(failed)
    assert rows_as_text([post]) == before


def test_a_record_that_another_transfer_knows_by_its_key(people: People, post: DataType) -> None:
    """The two have no user in common, so the order of users does not say which is undone first."""
    before = rows_as_text([post])
    first, second = (transferred(people, post, [pair]) for pair in people.pairs)
    [pair] = undo_all(first)
    assert "belongs also to users for whom it is not undone" in pair.reason
    for made in (second, first):
        restore(made)
    assert rows_as_text([post]) == before


def refused(why: str, *made: int, sources: Sequence[User] = ()) -> None:
    """Assert that the undo of each of these pairs fails with this reason."""
    for pair in undo_all(*made, sources=sources):
        assert (pair.state, f"1 record {why}" in pair.reason) == (PairState.FAILED, True), pair.reason


SHARED = "belongs also to users for whom it is not undone"


def test_a_record_that_another_transfer_put_in_the_place_of_one(people: People, post: DataType) -> None:
    """V→U changes the writer of the post of T. Then that of S, which U has written, takes its place."""
    before = rows_as_text([post])
    first = transferred(people, post, [(people["V"], people["U"])])
    second = transferred(people, post, people.pairs[:1])
    after = rows_as_text([post])
    refused(SHARED, first)
    assert rows_as_text([post]) == after
    for made in (second, first):
        restore(made)
    assert rows_as_text([post]) == before


def test_a_record_that_an_undo_left_in_the_place_of_another_one(people: People, link: DataType) -> None:
    put_links(people, "SX", "TU")
    first = transferred(people, link, people.pairs[:1])
    second = transferred(people, link, [(people["U"], people["X"])])
    execute("INSERT INTO tie VALUES (%s, %s, 'new')", people["T"].pk, people["U"].pk)
    assert undo_all(second, leave_changed=True)[0].state == PairState.SUCCEEDED
    refused("was deleted since", first)
    assert links(people) == {"TU": "TX", "new": "TU"}


def test_a_record_that_an_undo_left_elsewhere(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two duties of S went to T and on to X. T has got a new one since, so only the other one can go back."""
    entry = duties(monkeypatch)
    for n in (1, 2):
        execute("INSERT INTO duty VALUES (%s, %s, 'first')", people["S"].pk, n)
    first, second = (
        transferred(people, entry, [(people[one], people[other])]) for one, other in ("ST", "TX")
    )
    execute("INSERT INTO duty VALUES (%s, 2, 'new')", people["T"].pk)
    assert undo_all(second, leave_changed=True)[0].state == PairState.SUCCEEDED
    refused("was deleted since", first)
    [pair] = undo_all(first, leave_changed=True)
    assert (pair.counts or {})["smallapp.duty"] == {"left": 1, "returned": 1}
    found = query("SELECT user_id::text || n || note FROM {} ORDER BY n, note DESC", "duty")
    assert found == [
        f"{people[letter].pk}{more}" for letter, more in (("S", "1first"), ("T", "2new"), ("X", "2first"))
    ]


def test_a_key_that_a_trigger_derives_from_the_user(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """T's own duty has the key by which the journal of S→T knows the one that X has now."""
    change("CREATE TABLE duty (team text, n integer, owner_id bigint, note text, PRIMARY KEY (team, n))")
    meddle("duty", "BEFORE INSERT OR UPDATE", "NEW.team = 'of ' || NEW.owner_id; RETURN NEW;")
    duty = model_of("duty", owner=to(User), n=models.IntegerField(), note=models.TextField())
    entry = known(DataType("Duties", duty, (Column("owner"),), Combine(), "Duties."), monkeypatch)
    execute("INSERT INTO duty VALUES ('', 1, %s, 'first')", people["S"].pk)
    first, second = (
        transferred(people, entry, [(people[one], people[other])]) for one, other in ("ST", "TX")
    )
    execute("INSERT INTO duty VALUES ('', 1, %s, 'new')", people["T"].pk)
    assert undo_all(second, leave_changed=True)[0].state == PairState.SUCCEEDED
    refused("was deleted since", first)


def test_transfers_that_are_undone_and_run_again(people: People, post: DataType) -> None:
    """Undos that came before a transfer say nothing of the keys that it gave."""
    before = rows_as_text([post])
    for _ in range(2):
        first, second = (transferred(people, post, [pair]) for pair in people.pairs)
        for made in (second, first):
            restore(made)
    assert rows_as_text([post]) == before


def test_a_record_that_returned_with_the_key_of_one_that_was_deleted_since(
    people: People, post: DataType
) -> None:
    """The post of T, which V has written, returns when that of S is gone, which was written by V only after U→V."""
    first, second = (transferred(people, post, [pair]) for pair in people.pairs)
    execute("DELETE FROM post")
    [pair] = undo_all(first, leave_changed=True)
    assert (pair.counts or {})["smallapp.post"] == {"left": 1, "restored": 1}
    refused("was deleted since", second)
    assert query("SELECT note || by_id::text FROM {}", "post") == [f"of T{people['V'].pk}"]


def test_a_link_that_one_batch_moved_and_another_one_deleted(
    people: People, link: DataType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S→T moves SU to TU, which U→V deletes because of TV. It returns for both."""
    entry = known(replace(link, rule=Combine(KeepTarget())), monkeypatch)
    put_links(people, "SU", "TV")
    before = rows_as_text([entry])
    restore(transferred(people, entry, people.pairs, batches=2))
    assert rows_as_text([entry]) == before


@pytest.mark.parametrize("sources", ["S", "SU"])
def test_a_new_record_with_the_key_of_one_that_another_batch_deleted(
    people: People, link: DataType, monkeypatch: pytest.MonkeyPatch, sources: str
) -> None:
    """As above, but then people insert another one."""
    entry = known(replace(link, rule=Combine(KeepTarget())), monkeypatch)
    put_links(people, "SU", "TV")
    change("ALTER TABLE tie ADD extra integer")
    made = transferred(people, entry, people.pairs, batches=2)
    assert links(people) == {"TV": "TV"}
    change("ALTER TABLE tie DROP extra")
    execute("INSERT INTO tie VALUES (%s, %s, 'new')", people["T"].pk, people["U"].pk)
    pairs = undo_all(made, sources=[people[letter] for letter in sources], leave_changed=True)
    assert [(pair.counts or {})["smallapp.tie"]["left"] for pair in pairs] == [1] * len(sources)
    assert links(people) == {"TV": "TV", "new": "TU"}


def test_a_joint_record_that_a_later_transfer_knows_by_its_key(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If both users of its key were given back, the link that returns would be taken for it."""
    change("CREATE TABLE trio (a_id bigint, b_id bigint, c_id bigint, PRIMARY KEY (a_id, b_id))")
    trio = model_of("trio", a=to(User), b=to(User), c=to(User))
    owners = Column("a"), Column("b"), Column("c")
    entry = known(DataType("Trios", trio, owners, Combine(KeepSource()), "Trios."), monkeypatch)
    people.users["Y"] = cast.person(people.here, "Yara Young", employee_id="E-Y", external_id="150")
    for letters in ("SUX", "TVY"):
        execute("INSERT INTO trio VALUES (%s, %s, %s)", *(people[letter].pk for letter in letters))
    before = rows_as_text([entry])
    first = transferred(people, entry, people.pairs)
    second = transferred(people, entry, [(people["X"], people["Y"])])
    refused(SHARED, first)
    for made in (second, first):
        restore(made)
    assert rows_as_text([entry]) == before


def test_a_record_that_a_later_transfer_knows_by_a_key_that_stays(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    change("CREATE TABLE memo (a_id bigint, n integer, b_id bigint, c_id bigint, PRIMARY KEY (a_id, n))")
    memo = model_of("memo", a=to(User), n=models.IntegerField(), b=to(User), c=to(User))
    owners = Column("a"), Column("b"), Column("c")
    entry = known(DataType("Memos", memo, owners, Combine(KeepTarget()), "Memos."), monkeypatch)
    execute("INSERT INTO memo VALUES (%s, 1, %s, %s)", *(people[letter].pk for letter in "XSU"))
    before = rows_as_text([entry])
    for made in [transferred(people, entry, [pair]) for pair in people.pairs]:
        restore(made)
    assert rows_as_text([entry]) == before


def test_a_page_that_another_transfer_gave_the_key_of_another_parent(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key changes with the parent, not with the user of the page."""
    change("""
        CREATE TABLE book (id bigint PRIMARY KEY, owner_id bigint, name text, UNIQUE (owner_id, name));
        CREATE TABLE leaf (book_id bigint REFERENCES book, n integer, by_id bigint, PRIMARY KEY (book_id, n))
    """)
    book = model_of("book", owner=to(User), name=models.TextField())
    leaf = model_of("leaf", book=to(book), n=models.IntegerField(), by=to(User))
    types = [
        DataType("Leaves", leaf, (Column("by"),), Combine(), "Leaves."),
        DataType(
            "Books",
            book,
            (Column("owner"),),
            Combine(KeepTarget()),
            "Books.",
            children=(Child(leaf, "book"),),
        ),
    ]
    known(types[0], monkeypatch, types[1])
    for n, letter in enumerate("ST", 1):
        execute("INSERT INTO book VALUES (%s, %s, 'same')", n, people[letter].pk)
    execute("INSERT INTO leaf VALUES (1, 1, %s)", people["U"].pk)
    before = rows_as_text(types)
    first, second = (
        transferred(people, entry, [pair]) for entry, pair in zip(types, people.pairs[::-1], strict=True)
    )
    refused(SHARED, first)
    for made in (second, first):
        restore(made)
    assert rows_as_text(types) == before


def test_a_primary_key_that_was_added_since(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleted records do not have it. Late arrivals that were deleted after that return."""
    change(
        "CREATE TABLE slip (owner_id bigint NOT NULL, k integer NOT NULL, note text, UNIQUE (owner_id, k))"
    )
    slip = model_of("slip", owner=to(User), k=models.IntegerField(), note=models.TextField())
    entry = known(DataType("Slips", slip, (Column("owner"),), Combine(KeepTarget()), "Slips."), monkeypatch)
    execute("INSERT INTO slip VALUES (%s, 1, 'of T')", people["T"].pk)
    made = []
    for note in ("first", "late"):
        execute("INSERT INTO slip VALUES (%s, 1, %s)", people["S"].pk, note)
        made.append(transferred(people, entry, people.pairs[:1], late=note == "late"))
        if note == "first":
            change("ALTER TABLE slip ADD uid integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
            refused("was in a table whose columns have changed since", *made)
    [pair] = undo_all(*made, leave_changed=True)
    assert (pair.counts or {})["smallapp.slip"] == {"left": 1, "restored": 1}
    assert query("SELECT note FROM {} ORDER BY 1", "slip") == ["late", "of T"]
