"""Exclusion constraints, such as shifts of a user that must not overlap."""

from dataclasses import replace

import pytest
from django.core.checks import run_checks

from accounts.models import User
from tests.apps.smallapp import models as small
from tests.transfers.rules import running
from tests.transfers.rules.featured import model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.running import change_tables, whole_row
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.rules import Child, Column, Combine, DataType, KeepSource, KeepTarget, Latest, Policy

# A row of Keyed stands for the hours from k to v.
NO_OVERLAP = """
CREATE EXTENSION btree_gist;
DROP INDEX keyed_once;
ALTER TABLE smallapp_keyed ADD CONSTRAINT no_overlap
    EXCLUDE USING gist (owner_id WITH =, int4range(k, v) WITH &&) WHERE (updated_at IS NULL);
"""
HOURS = [("S", 1, 3), ("S", 5, 6), ("S", 8, 9), ("T", 2, 4), ("T", 4, 5), ("T", 7, 12), ("X", 1, 9)]


def transferred(people: People, policy: Policy) -> tuple[running.Ran, set[tuple[str, int, int]]]:
    running.insert(
        "smallapp_keyed",
        [
            whole_row(small.Keyed, id=n, owner=people[who].pk, k=k, v=v)
            for n, (who, k, v) in enumerate(HOURS, 1)
        ],
    )
    entry = with_policy(policy)
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    letters = {people[letter].pk: letter for letter in "STX"}
    return ran, {(letters[row["owner_id"]], row["k"], row["v"]) for row in ran.world["smallapp_keyed"]}


def with_policy(policy: Policy) -> DataType:
    return replace(running.type_of("smallapp_keyed"), rule=Combine(on_clash=policy))


def test_rows_of_the_source_that_overlap_are_dropped(people: People) -> None:
    change_tables(NO_OVERLAP)
    ran, hours = transferred(people, KeepTarget())
    assert hours == {("T", 2, 4), ("T", 4, 5), ("T", 5, 6), ("T", 7, 12), ("X", 1, 9)}
    assert ran.counts == ran.predicted
    assert ran.counts[0]["smallapp.keyed"] == {"source": 3, "target": 3, "moved": 1, "dropped": 2}


def test_rows_of_the_target_that_overlap_are_replaced(people: People) -> None:
    change_tables(NO_OVERLAP)
    ran, hours = transferred(people, KeepSource())
    assert hours == {("T", 1, 3), ("T", 4, 5), ("T", 5, 6), ("T", 8, 9), ("X", 1, 9)}
    assert ran.counts == ran.predicted
    assert ran.counts[0]["smallapp.keyed"] == {"source": 3, "target": 3, "moved": 3, "replaced": 2}


def test_rows_outside_the_condition_never_conflict(people: People) -> None:
    change_tables(NO_OVERLAP.replace("updated_at IS NULL", "k > 4"))
    ran, _ = transferred(people, KeepTarget())
    assert ran.counts[0]["smallapp.keyed"]["dropped"] == 1


@pytest.mark.parametrize("rule", [Combine(on_clash=Latest("updated_at")), Combine()], ids=["latest", "none"])
def test_a_policy_that_cannot_decide_is_refused(people: People, rule: Combine) -> None:
    change_tables(NO_OVERLAP)
    entry = replace(running.type_of("smallapp_keyed"), rule=rule)
    with running.only(entry), pytest.raises(CannotCompile, match="no_overlap"):
        running.run_pairs(people.by, people.pairs, [entry])


def test_it_stops_the_start_without_a_policy(db: None) -> None:
    change_tables("""
        CREATE EXTENSION btree_gist;
        ALTER TABLE smallapp_plain ADD CONSTRAINT apart EXCLUDE USING gist (owner_id WITH =, v WITH =);
    """)
    found = {message.id: message.msg for message in run_checks(databases=["default"])}
    assert "apart" in found["transfers.E112"]


def test_overwritten_rows_do_not_conflict(people: People) -> None:
    change_tables("""
        CREATE EXTENSION btree_gist;
        ALTER TABLE smallapp_sched ADD CONSTRAINT apart EXCLUDE USING gist (owner_id WITH =, slot WITH =);
    """)
    entry = running.type_of("smallapp_sched")
    rows = [
        whole_row(small.Sched, id=n, owner=people[letter].pk, slot=1)
        for n, letter in enumerate("ST", start=1)
    ]
    running.insert("smallapp_sched", rows)
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert [row["id"] for row in ran.world["smallapp_sched"]] == [1]


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
@pytest.mark.parametrize("policy", [KeepTarget(), KeepSource()], ids=str)
def test_rows_that_lose_by_an_exclusion_and_by_a_key(
    people: People, numbers: tuple[int, int], policy: Policy
) -> None:
    """Neither is preferred, so that of their bids by the same person the one of the first shift stays."""
    change_tables("""
        CREATE EXTENSION IF NOT EXISTS btree_gist;
        CREATE TABLE shift (id integer PRIMARY KEY, owner_id bigint, hours int4range, code text,
            UNIQUE (owner_id, code), EXCLUDE USING gist (owner_id WITH =, hours WITH &&));
        CREATE TABLE bid (id integer PRIMARY KEY, shift_id integer REFERENCES shift, n integer, UNIQUE (shift_id, n));
    """)
    loser, winner = ("S", "T") if isinstance(policy, KeepTarget) else ("T", "S")
    shift = model_of("shift", owner=to(User))
    bids = (Child(model_of("bid", shift=to(shift)), "shift"),)
    entry = DataType("Shifts", shift, (Column("owner"),), Combine(policy), "Shifts.", children=bids)
    by_key, by_hours = numbers
    for number, letter, hours, code in (
        (9, winner, "[1,5)", "x"),
        (by_key, loser, "[10,12)", "x"),
        (by_hours, loser, "[2,3)", "z"),
    ):
        execute("INSERT INTO shift VALUES (%s, %s, %s, %s)", number, people[letter].pk, hours, code)
    execute("INSERT INTO bid VALUES (1, 1, 7), (2, 2, 7)")
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    assert running.query("SELECT ARRAY[id, shift_id] FROM {}", "bid") == [[1, 9]]
