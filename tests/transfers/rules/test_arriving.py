"""Of rows that conflict in a unique key, the one that has to change least for it is there first.

A row may have the key's values already although another of its users is replaced. Of several rows that get them, one
may need fewer pairs.
"""

import json
from dataclasses import dataclass, replace

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from tests.transfers.rules import journal
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.running import only, query, run_pairs
from transfers.rules import (
    ArrayColumn,
    Column,
    Combine,
    DataType,
    JsonPath,
    KeepSource,
    KeepTarget,
    Latest,
    Merge,
    Owner,
    Policy,
    Rename,
    Sum,
)


@dataclass(frozen=True)
class Design:
    """Columns of two users, a unique key of which only the first user is a part, and a row's values as JSON."""

    columns: str
    key: str
    owners: tuple[Owner, ...]
    row: str = '{{"a_id": {0}, "b_id": {1}}}'


TWO_COLUMNS = "a_id bigint, b_id bigint"
DOCUMENT = '{{"d": {{"owner": {0}, "members": [{1}], "helper": {1}}}}}'
DESIGNS = {
    "a condition": Design(TWO_COLUMNS, "(a_id, name) WHERE b_id IS NOT NULL", (Column("a"), Column("b"))),
    "an expression": Design(TWO_COLUMNS, "(a_id, name, (b_id IS NULL))", (Column("a"), Column("b"))),
    "a list in the condition": Design(
        "a_id bigint, list bigint[]",
        "(a_id, name) WHERE list IS NOT NULL",
        (Column("a"), ArrayColumn("list")),
        '{{"a_id": {0}, "list": [{1}]}}',
    ),
    "a path of a document": Design(
        "d jsonb", "((d ->> 'owner'), name)", (JsonPath("d", "owner"), JsonPath("d", "helper")), DOCUMENT
    ),
    "a column generated from a document": Design(
        "d jsonb, own text GENERATED ALWAYS AS (d ->> 'owner') STORED",
        "(own, name)",
        (JsonPath("d", "owner"), JsonPath("d", "members")),
        DOCUMENT,
    ),
}


FIELDS = {
    "a": lambda: to(User),
    "b": lambda: to(User),
    "c": lambda: to(User),
    "list": lambda: ArrayField(models.BigIntegerField()),
    "d": models.JSONField,
}


@pytest.fixture(params=DESIGNS)
def design(request: pytest.FixtureRequest) -> Design:
    return DESIGNS[request.param]


def room(design: Design, policy: Policy) -> DataType:
    change(
        f"CREATE TABLE room (id integer PRIMARY KEY, name text, n integer, {design.columns});"
        f" CREATE UNIQUE INDEX ON room {design.key}"
    )
    model = model_of(
        "room",
        **{owner.field: FIELDS[owner.field]() for owner in design.owners},
        name=models.TextField(),
        n=models.IntegerField(),
    )
    return DataType("Rooms", model, design.owners, Combine(policy), "Rooms.")


def put(people: People, design: Design, number: int, users: str) -> None:
    """Insert the room of the first user, which is shared with the second one."""
    users_of_row = json.loads(design.row.format(*(people[letter].pk for letter in users)))
    row = {"id": number, "name": "blue", "n": 7, **users_of_row}
    named = ", ".join(row)
    execute(
        f"INSERT INTO room ({named}) SELECT {named} FROM jsonb_populate_record(NULL::room, %s)",
        json.dumps(row),
    )


@pytest.mark.parametrize(("numbers", "shared_with"), [((1, 2), "S"), ((1, 2), "U"), ((2, 1), "S")])
@pytest.mark.parametrize(
    ("policy", "source_stays"),
    [
        (KeepTarget(), False),
        (KeepSource(), True),
        (Latest("n"), False),
        (Merge({"n": Sum()}), False),
    ],
    ids=str,
)
def test_the_row_that_the_target_has_already(
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    design: Design,
    policy: Policy,
    shared_with: str,
    numbers: tuple[int, int],
    *,
    source_stays: bool,
) -> None:
    """The room of T is shared with a source user, whose place the target user takes too."""
    entry = room(design, policy)
    monkeypatch.setattr(journal, "by_key", lambda key: entry)
    of_source, of_target = numbers
    put(people, design, of_source, "SX")
    put(people, design, of_target, f"T{shared_with}")
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    assert query("SELECT id FROM {}", "room") == [of_source if source_stays else of_target]
    assert query("SELECT n FROM {}", "room") == [14 if isinstance(policy, Merge) else 7]


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
def test_the_row_that_needs_another_name(people: People, design: Design, numbers: tuple[int, int]) -> None:
    entry = room(design, Rename("name"))
    for number, users in zip(numbers, ("SX", "TS"), strict=True):
        put(people, design, number, users)
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    names = query("SELECT name FROM {} ORDER BY id", "room")
    assert names == (["blue (2)", "blue"] if numbers == (1, 2) else ["blue", "blue (2)"])


def test_only_users_whom_the_key_compares_lose_a_record(people: People) -> None:
    """T is a guest in the room of V that is replaced by that of U."""
    entry = room(DESIGNS["a condition"], KeepSource())
    put(people, DESIGNS["a condition"], 1, "VT")
    put(people, DESIGNS["a condition"], 2, "UX")
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    assert {number: counts[entry.key].get("replaced") for number, counts in ran.counts.items()} == {
        0: None,
        1: 1,
    }


# --- Rows of several pairs -------------------------------------------------------------------------------------------

IN_BOTH = {
    "two columns": Design(TWO_COLUMNS, "(a_id, b_id)", (Column("a"), Column("b"))),
    "two users in any order": Design(
        TWO_COLUMNS, "(least(a_id, b_id), greatest(a_id, b_id))", (Column("a"), Column("b"))
    ),
    "a list": Design("list bigint[]", "(list)", (ArrayColumn("list"),), '{{"list": [{0}, {1}]}}'),
    "a document": Design(
        "d jsonb",
        "((d ->> 'owner'), (d ->> 'helper'))",
        (JsonPath("d", "owner"), JsonPath("d", "helper")),
        DOCUMENT,
    ),
}


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
@pytest.mark.parametrize(("policy", "source_stays"), [(KeepTarget(), False), (KeepSource(), True)], ids=str)
@pytest.mark.parametrize("design", IN_BOTH.values(), ids=IN_BOTH)
def test_links_to_a_user_who_is_replaced_too(
    people: People,
    design: Design,
    policy: Policy,
    numbers: tuple[int, int],
    batches: int,
    *,
    source_stays: bool,
) -> None:
    """S and T have a link to U. It is the same whether U is replaced by V in the same batch, or later."""
    entry = room(design, policy)
    for number, users in zip(numbers, ("SU", "TU"), strict=True):
        put(people, design, number, users)
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry], batches=batches)
    assert query("SELECT id FROM {}", "room") == [numbers[not source_stays]]
    assert batches > 1 or ran.counts == ran.predicted


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
def test_the_record_of_the_target_that_the_source_has_made(people: People, numbers: tuple[int, int]) -> None:
    design = IN_BOTH["two columns"]
    entry = room(design, KeepTarget())
    for number, users in zip(numbers, ("SS", "TS"), strict=True):
        put(people, design, number, users)
    with only(entry):
        run_pairs(people.by, people.pairs, [entry])
    assert query("SELECT id FROM {}", "room") == [numbers[1]]


OTHERS_BESIDE = {
    "a list": (
        "list bigint[], b_id bigint",
        "(list)",
        (ArrayColumn("list"), Column("b")),
        '"list": [{0}, {1}], "b_id": {2}',
    ),
    "two columns": (
        f"{TWO_COLUMNS}, list bigint[]",
        "(a_id, b_id)",
        (Column("a"), Column("b"), ArrayColumn("list")),
        '"a_id": {0}, "b_id": {1}, "list": [{2}, {3}]',
    ),
    "a user whom the condition asks for": (
        f"{TWO_COLUMNS}, c_id bigint",
        "(a_id, b_id) WHERE c_id IS NOT NULL",
        (Column("a"), Column("b"), Column("c")),
        '"a_id": {0}, "b_id": {1}, "c_id": {2}',
    ),
}


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
@pytest.mark.parametrize(("columns", "key", "owners", "row"), OTHERS_BESIDE.values(), ids=OTHERS_BESIDE)
def test_users_beside_the_key_do_not_count(
    people: People, columns: str, key: str, owners: tuple[Owner, ...], row: str, numbers: tuple[int, int]
) -> None:
    """T's link to U has further users, who are replaced too."""
    design = Design(columns, key, owners, f"{{{{{row}}}}}")
    entry = room(design, KeepTarget())
    for number, users in zip(numbers, ("SUXX", "TUSU"), strict=True):
        put(people, design, number, users)
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    assert query("SELECT id FROM {}", "room") == [numbers[1]]


# --- Rows that come into the condition of a key ----------------------------------------------------------------------


WITHOUT_A_SECOND_USER = {
    "two users": Design(TWO_COLUMNS, "(a_id, name) WHERE b_id IS NULL", (Column("a"), Column("b"))),
    "three users": Design(
        f"{TWO_COLUMNS}, c_id bigint",
        "(a_id, c_id, name) WHERE b_id IS NULL",
        (Column("a"), Column("b"), Column("c")),
        '{{"a_id": {0}, "b_id": {1}, "c_id": {2}}}',
    ),
}


@pytest.mark.parametrize("policy", [KeepTarget(), Rename("name")], ids=str)
@pytest.mark.parametrize("design", WITHOUT_A_SECOND_USER.values(), ids=WITHOUT_A_SECOND_USER)
def test_a_row_that_loses_its_second_user(people: People, design: Design, policy: Policy) -> None:
    entry = replace(room(design, policy), self_edges="clear")
    put(people, design, 1, "TSX")
    put(people, design, 2, "TSX")
    execute("UPDATE room SET b_id = NULL WHERE id = 2")
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    if isinstance(policy, KeepTarget):
        assert query("SELECT id FROM {}", "room") == [2]
    else:
        assert query("SELECT name FROM {} ORDER BY id", "room") == ["blue (2)", "blue"]


def test_a_list_that_becomes_one_of_two_users(people: People) -> None:
    key = "(least(list[1], list[2]), greatest(list[1], list[2])) WHERE cardinality(list) = 2"
    design = Design("list bigint[]", key, (ArrayColumn("list"),), '{{"list": [{0}, {1}]}}')
    entry = room(design, KeepTarget())
    put(people, design, 1, "TX")
    execute("UPDATE room SET list = list || %s::bigint", people["S"].pk)
    put(people, design, 2, "TX")
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    assert query("SELECT id FROM {}", "room") == [2]


@pytest.mark.parametrize("rows", ["SV TU", "TU SV"])
def test_rows_that_are_known_by_their_users(people: People, rows: str) -> None:
    """Both become the link of T and V. Their primary keys sort them, as they were: not their places in the table."""
    change("CREATE TABLE duo (a_id bigint, b_id bigint, PRIMARY KEY (a_id, b_id))")
    duo = model_of("duo", a=to(User), b=to(User))
    entry = DataType("Duos", duo, (Column("a"), Column("b")), Combine(KeepTarget()), "Duos.")
    for users in rows.split():
        execute("INSERT INTO duo VALUES (%s, %s)", *(people[letter].pk for letter in users))
    with only(entry):
        ran = run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    assert {number: counts[entry.key].get("dropped") for number, counts in ran.counts.items()} == {
        0: None,
        1: 1,
    }
