"""Undo of tables whose primary key holds users: the key of one record may be that of another one since."""

from collections.abc import Sequence

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import UserPair, only, query, run_pairs, undo_all
from transfers.engine.undo.loading import entries, returning
from transfers.models import PairState, UndoConflict
from transfers.rules import Column, Combine, DataType, KeepSource, KeepTarget


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch, db: None) -> DataType:
    """Links between two users, of which the source's survive."""
    change("CREATE TABLE tie (a_id bigint, b_id bigint, note text, PRIMARY KEY (a_id, b_id))")
    model = model_of("tie", a=to(User), b=to(User), note=models.TextField())
    return known(
        DataType("Links", model, (Column("a"), Column("b")), Combine(KeepSource()), "Links."), monkeypatch
    )


def known(entry: DataType, monkeypatch: pytest.MonkeyPatch) -> DataType:
    for module in (entries, returning):
        monkeypatch.setattr(module, "data_types", lambda: [entry])
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
    """S→T moves SV to TV. Then U→V moves TU there, in the place of SV, which returns only after that is undone."""
    put_links(people, "TU", "SV")
    before = rows_as_text([link])
    made = transferred(people, link, people.pairs, batches=2)
    assert links(people) == {"TU": "TV"}
    failed, undone = undo_all(made)
    assert (undone.state, failed.state) == (PairState.SUCCEEDED, PairState.FAILED)
    assert "1 record belongs also to users for whom it is not undone" in failed.reason
    assert links(people) == {"SV": "TV", "TU": "TU"}
    [pair] = undo_all(made, sources=[people["S"]])
    assert (pair.reason, rows_as_text([link])) == ("", before)


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


def test_a_late_arrival_with_the_key_of_a_record_that_was_deleted_since(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the late one is there to go back."""
    change("CREATE TABLE duty (user_id bigint, n integer, note text, PRIMARY KEY (user_id, n))")
    duty = model_of("duty", user=to(User), n=models.IntegerField(), note=models.TextField())
    rule = Combine(KeepTarget())
    entry = known(DataType("Duties", duty, (Column("user"),), rule, "Duties."), monkeypatch)
    made = []
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
