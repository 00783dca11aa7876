"""Of several rows that lose to the same one, the one that the policy prefers comes first."""

from collections.abc import Sequence

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import only, query, run_pairs
from tests.transfers.rules.test_undo_keys import known
from transfers.rules import (
    Child,
    Column,
    Combine,
    Concatenate,
    DataType,
    FillBlank,
    KeepSource,
    KeepTarget,
    Latest,
    Merge,
    Policy,
)

LINKS = """
CREATE TABLE link (
    id integer PRIMARY KEY, a_id bigint, b_id bigint, note text, city text, rank integer, name text, code text
);
CREATE TABLE tag (id integer PRIMARY KEY, link_id integer NOT NULL REFERENCES link, name text, code text);
CREATE TABLE vote (id integer PRIMARY KEY, tag_id integer NOT NULL REFERENCES tag, voter text, UNIQUE (tag_id, voter));
"""
BY_ONE_KEY = ["CREATE UNIQUE INDEX ON link (a_id, b_id)", "CREATE UNIQUE INDEX ON tag (link_id, name)"]
BY_TWO_KEYS = [
    *("CREATE UNIQUE INDEX ON link (a_id, b_id, name)", "CREATE UNIQUE INDEX ON link (a_id, b_id, code)"),
    *("CREATE UNIQUE INDEX ON tag (link_id, name)", "CREATE UNIQUE INDEX ON tag (link_id, code)"),
]
# S and U are replaced by T and V, so that all three become links of T to V: both users change, one of them, or none.
RANKS = {"SU": 2, "TU": 1, "TV": 3}
PREFERRED: list[tuple[Policy, tuple[str, str, str]]] = [
    (KeepTarget(), ("TV", "TU", "SU")),
    (KeepSource(), ("SU", "TU", "TV")),
    (Latest("rank"), ("TV", "SU", "TU")),
    (Merge({"note": Concatenate(" "), "city": FillBlank()}), ("TV", "TU", "SU")),
]


@pytest.fixture(params=[("SU", "TU", "TV"), ("TV", "TU", "SU"), ("TU", "SU", "TV")], ids="<".join)
def numbers(request: pytest.FixtureRequest) -> dict[str, int]:
    """The primary key of each link."""
    return {users: number for number, users in enumerate(request.param, start=1)}


def links(policy: Policy, keys: Sequence[str]) -> DataType:
    change(";".join([LINKS, *keys]))
    text = models.TextField
    link = model_of("link", a=to(User), b=to(User), note=text(), city=text(), rank=models.IntegerField())
    tag = model_of("tag", link=to(link))
    votes = Child(model_of("vote", tag=to(tag)), "tag")
    owners, tags = (Column("a"), Column("b")), Child(tag, "link", children=(votes,))
    return DataType("Links", link, owners, Combine(policy), "Links.", children=(tags,))


def put(
    people: People, numbers: dict[str, int], preferred: tuple[str, str, str], *, by_two_keys: bool
) -> None:
    """Insert the links. Each has a tag that all have, and all but the winner also a vote on it and another tag.

    by_two_keys: the last link and its tag conflict by another key than the second one.
    """
    winner, second, last = preferred
    for users, number in numbers.items():
        a, b = (people[letter].pk for letter in users)
        city = None if users == winner else users
        name = "rare" if by_two_keys and users == last else "common"
        code = "rare" if by_two_keys and users == second else "common"
        execute(
            "INSERT INTO link VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            *(number, a, b, users, city, RANKS[users], name, code),
        )
        execute("INSERT INTO tag VALUES (%s, %s, %s, %s)", number, number, name, code)
        if users != winner:
            execute("INSERT INTO tag VALUES (%s, %s, 'other', 'other')", number + 10, number)
            execute("INSERT INTO vote VALUES (%s, %s, 'everybody')", number, number)


@pytest.mark.parametrize("keys", [BY_ONE_KEY, BY_TWO_KEYS], ids=["one key", "two keys"])
@pytest.mark.parametrize(("policy", "preferred"), PREFERRED, ids=str)
def test_rows_that_lose_to_the_same_one(
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    numbers: dict[str, int],
    policy: Policy,
    preferred: tuple[str, str, str],
    keys: Sequence[str],
) -> None:
    winner, second, _ = preferred
    entry = known(links(policy, keys), monkeypatch)
    put(people, numbers, preferred, by_two_keys=keys is BY_TWO_KEYS)
    before = rows_as_text([entry])
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    assert query("SELECT id FROM {}", "link") == [numbers[winner]]
    assert query("SELECT id FROM {} ORDER BY id", "tag") == [numbers[winner], numbers[second] + 10]
    assert query("SELECT id FROM {}", "vote") == [numbers[second]]
    is_merged = isinstance(policy, Merge)
    assert query("SELECT note FROM {}", "link") == [" ".join(preferred) if is_merged else winner]
    assert query("SELECT city FROM {}", "link") == [second if is_merged else None]
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before
