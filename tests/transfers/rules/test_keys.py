"""Every kind of unique key in PostgreSQL: when two rows conflict, and when they do not."""

from dataclasses import replace

import pytest

from tests.apps.smallapp import models as small
from tests.transfers.rules.featured import change, put, run
from tests.transfers.rules.people import People
from tests.transfers.rules.truth import Truth
from transfers.rules import Combine, KeepTarget, Merge, Policy, Sum

KEYS = [
    Truth(
        "B4: a key that contains NULL does not conflict",
        small.Keyed2,
        "owner k1 k2",
        ("S 1 -", "T 1 -"),
        ("S 1 -", "T 1 -"),
        ("T 1 -", "same"),
        *(("X 9 -", "same") for _ in range(500)),
        s={"source": 2, "target": 1, "moved": 2},
    ),
    Truth(
        "unless the index is NULLS NOT DISTINCT",
        small.NullsEqual,
        "owner k",
        ("S -", "dropped"),
        ("T -", "same"),
        ("S 1", "T 1"),
        ("- -", "same"),
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
    ),
    Truth(
        "B5: rows outside a partial index do not conflict",
        small.Soft,
        "owner k deleted_at",
        ("S 1 -", "T 1 -"),
        ("T 1 d1", "same"),
        ("S 2 d1", "T 2 d1"),
        ("T 2 -", "same"),
        ("S 3 -", "dropped"),
        ("T 3 -", "same"),
        s={"source": 3, "target": 3, "moved": 2, "dropped": 1},
    ),
    Truth(
        "an expression is compared as the index does",
        small.Caseless,
        "owner name",
        ("S box", "dropped"),
        ("T BOX", "same"),
        ("S Bag", "T Bag"),
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
    ),
    Truth(
        "B7: a primary key of two columns",
        small.Membership,
        "user_id club",
        ("S 1", "T 1"),
        ("S 2", "dropped"),
        ("T 2", "same"),
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
    ),
    Truth(
        "B8: a row that conflicts twice is dropped once, and both of the target's rows are kept",
        small.TwoKeys,
        "owner a b",
        ("S 1 2", "dropped"),
        ("T 1 9", "same"),
        ("T 8 2", "same"),
        s={"source": 1, "target": 2, "dropped": 1},
    ),
    Truth(
        "conflicts on two keys with different rows of the target",
        small.TwoKeys,
        "owner a b",
        ("S 1 1", "dropped"),
        ("S 2 2", "dropped"),
        ("S 3 3", "T 3 3"),
        ("T 1 9", "same"),
        ("T 9 2", "same"),
        s={"source": 3, "target": 2, "moved": 1, "dropped": 2},
    ),
    Truth(
        "a key for each of two users",
        small.Duo,
        "caller callee k",
        ("S X 1", "dropped"),
        ("T S 1", "T T 1"),
        ("X T 2", "same"),
        ("O S 2", "dropped"),
        s={"source": 3, "target": 2, "moved": 1, "dropped": 2},
    ),
    Truth(
        "a key that exists in the database only",
        small.Hidden,
        "owner k",
        ("S 1", "dropped"),
        ("T 1", "same"),
        s={"source": 1, "target": 1, "dropped": 1},
    ),
    Truth(
        "a table that another system owns",
        small.OtherSystem,
        "AGENT_NO code",
        ("S a", "T a"),
        ("S b", "dropped"),
        ("T b", "same"),
        ("0 b", "same"),
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
    ),
    Truth(
        "one row per user",
        small.Single,
        "owner v",
        ("S 1", "dropped"),
        ("T 2", "same"),
        ("U 1", "V 1"),
        s={"source": 1, "target": 1, "dropped": 1},
        u={"source": 1, "moved": 1},
    ),
    Truth(
        "two arriving rows conflict: the one with the lowest ID is kept",
        small.Link,
        "a_user b_user",
        ("S V", "T V"),
        ("T U", "dropped U"),
        s={"source": 1, "target": 1, "moved": 1},
        u={"source": 1, "target": 1, "dropped": 1},
    ),
]


@pytest.mark.parametrize("truth", KEYS, ids=repr)
def test_key(people: People, truth: Truth) -> None:
    truth.check(people)


@pytest.mark.parametrize(("policy", "kept"), [(Merge({"n": Sum()}), 120), (KeepTarget(), 20)])
def test_rows_of_one_user_that_have_the_same_key_by_now(people: People, policy: Policy, kept: int) -> None:
    """A function in an index that reads a table is not really immutable. No row loses to another of the same user."""
    change("""
        CREATE TABLE lookup (day int, of_week int); GRANT SELECT ON lookup TO PUBLIC;
        INSERT INTO lookup VALUES (1, 1), (2, 2), (3, 3);
        CREATE FUNCTION day_of_week(int) RETURNS int LANGUAGE sql IMMUTABLE AS
            $$ SELECT of_week FROM public.lookup WHERE day = $1 $$;
        DROP INDEX counter_once;
        CREATE UNIQUE INDEX counter_once ON smallapp_counter (owner_id, day_of_week(day));
    """)
    entry = put(people, "smallapp_counter", ("S", 3, 100), ("T", 1, 20), ("T", 2, 3), columns="owner day n")
    change("UPDATE lookup SET of_week = 1")
    ran = run(people, replace(entry, rule=Combine(policy)))
    assert {row["id"]: row["n"] for row in ran.world["smallapp_counter"]} == {2: kept, 3: 3}
