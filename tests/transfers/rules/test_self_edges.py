"""Rows with two users that become one user: cleared, refused, or kept and counted."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from tests.apps.smallapp import models as small
from tests.transfers.rules import featured, running
from tests.transfers.rules.featured import change, model_of, refusal, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.test_children import S, T, U, V, X, rows, run
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.failures.reasons import explain, is_definite
from transfers.engine.prediction import predict
from transfers.engine.stage import StagedPair, compile_plans
from transfers.engine.verification.self_edges import SelfEdgesRefused
from transfers.rules import (
    ArrayColumn,
    Column,
    Combine,
    DataType,
    JsonPath,
    Overwrite,
    Polymorphic,
    SelfEdges,
)


@pytest.fixture
def staff() -> DataType:
    return running.type_of("smallapp_staff")


@pytest.fixture
def handover() -> DataType:
    return running.type_of("smallapp_handover")


def managers(people: People, ran: running.Ran) -> dict[int, str | None]:
    letters = {user.pk: letter for letter, user in people.users.items()}
    return {row["id"]: letters.get(row["manager_id"]) for row in ran.world["smallapp_staff"]}


def test_a_user_does_not_become_their_own_manager(people: People, staff: DataType) -> None:
    """T reports to S, and V is reported to by U: both would manage themselves."""
    staffed = rows("user_id manager_id", (T, S), (U, V), (X, S))
    ran = run(people, staff, {"smallapp_staff": staffed})
    assert managers(people, ran) == {1: None, 2: None, 3: "T"}
    assert ran.counts == {
        0: {"smallapp.staff": {"source": 2, "target": 1, "moved": 2, "same_user": 1}},
        1: {"smallapp.staff": {"source": 1, "target": 1, "moved": 1, "same_user": 1}},
    }
    assert staff.words_for_same_user == "with the Target User as user and as manager: manager is cleared"


def test_who_managed_themselves_still_does(people: People, staff: DataType) -> None:
    ran = run(people, staff, {"smallapp_staff": rows("user_id manager_id", (S, S), (V, V), (U, X))})
    assert managers(people, ran) == {1: "T", 2: "V"}


def test_the_manager_is_restored(people: People, staff: DataType) -> None:
    running.insert("smallapp_staff", people.spell(rows("user_id manager_id", (T, S), (S, X))))
    before = rows_as_text([staff])
    with running.only(staff):
        ran = running.run_pairs(people.by, people.pairs, [staff])
    restore(ran.transfer_id)
    assert rows_as_text([staff]) == before


def test_a_key_that_holds_the_cleared_column(people: People, staff: DataType) -> None:
    """T's two rows are different afterwards, because one has no manager."""
    change("""
        ALTER TABLE smallapp_staff DROP CONSTRAINT smallapp_staff_user_id_key;
        CREATE UNIQUE INDEX staff_pair ON smallapp_staff (user_id, manager_id);
    """)
    running.insert("smallapp_staff", people.spell(rows("user_id manager_id", (T, T), (S, T))))
    with running.only(staff):
        ran = running.run_pairs(people.by, people.pairs, [staff])
    assert managers(people, ran) == {1: "T", 2: None}
    assert ran.counts == ran.predicted


def test_rows_are_not_overwritten_by_those_that_are_dropped(db: None) -> None:
    entry = replace(running.type_of("smallapp_link"), rule=Overwrite())
    with running.only(entry), pytest.raises(CannotCompile, match="takes no one's place"):
        compile_plans()


@pytest.mark.parametrize(("kind", "cleared"), [("user", True), ("team", False)])
def test_a_manager_as_text_and_of_a_kind(people: People, kind: str, cleared: bool) -> None:
    change("""
        DROP INDEX contest_seller, contest_buyer;
        ALTER TABLE smallapp_contest DROP buyer_id, ADD buyer_id text;
    """)
    buyer = Polymorphic("buyer", kind_field="level", kind="user", as_text=True)
    entry = replace(running.type_of("smallapp_contest"), owners=(Column("seller"), buyer), self_edges="clear")
    row = running.whole_row(
        small.Contest, id=1, seller=people["S"].pk, buyer=str(people["T"].pk), k=1, level=kind
    )
    running.insert("smallapp_contest", [row])
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    [after] = ran.world["smallapp_contest"]
    assert after["buyer_id"] == (None if cleared else str(people["T"].pk))


def test_a_pair_that_is_refused(people: People, handover: DataType) -> None:
    running.insert("smallapp_handover", people.spell(rows("giver_id taker_id", (S, T), (U, X))))
    before = rows_as_text([handover])
    staged = [StagedPair(n, source.pk, target.pk) for n, (source, target) in enumerate(people.pairs)]
    with running.only(handover):
        numbers = {"source": 1, "target": 1, "moved": 1, "same_user": 1}
        assert predict(staged)[0] == {"smallapp.handover": numbers}
        with pytest.raises(SelfEdgesRefused) as error:
            running.run_pairs(people.by, people.pairs, [handover])
    assert rows_as_text([handover]) == before
    failure = explain(error.value)
    assert failure.code == "self-edge"
    assert failure.reason == "Small Handover: 1 record would have the Target User in two roles."
    assert is_definite(error.value), "a retry would fail in the same way"


def test_a_pair_without_such_rows_is_not_refused(people: People, handover: DataType) -> None:
    ran = run(
        people, handover, {"smallapp_handover": rows("giver_id taker_id", (S, X), (X, S), (S, V), (S, S))}
    )
    assert ran.counts[0]["smallapp.handover"]["moved"] == 4


@pytest.mark.parametrize(
    ("owner", "approvers", "same_user"),
    [("T", "ST", {}), ("S", "ST", {}), ("T", "SX", {"same_user": 1}), ("S", "XT", {"same_user": 1})],
)
def test_a_list_that_has_the_user_already(
    people: People, owner: str, approvers: str, same_user: dict[str, int]
) -> None:
    """Who approved their own request before is no new case, also if the list has both users."""
    change("CREATE TABLE request (id bigint PRIMARY KEY, owner_id bigint, approvers bigint[])")
    ids = [people[letter].pk for letter in approvers]
    execute("INSERT INTO request VALUES (1, %s, %s)", people[owner].pk, ids)
    model = model_of("request", owner=to(User), approvers=ArrayField(models.BigIntegerField()))
    owners = Column("owner"), ArrayColumn("approvers")
    entry = DataType("Requests", model, owners, Combine(), "Requests.", same_user="self-approved")
    counts = featured.run(people, entry).counts[0]["smallapp.request"]
    assert counts == {"source": 1, "target": counts.get("target", 0), "moved": 1} | same_user
    execute("UPDATE request SET owner_id = %s, approvers = %s", people[owner].pk, ids)
    refusing = replace(entry, same_user="", self_edges="refuse")
    with running.only(refusing), pytest.raises(SelfEdgesRefused) if same_user else nullcontext():
        running.run_pairs(people.by, people.pairs, [refusing])


def test_a_column_that_cannot_be_cleared_stops_the_start(db: None) -> None:
    change("ALTER TABLE smallapp_staff ALTER manager_id SET NOT NULL")
    assert "would empty manager_id, which is NOT NULL" in refusal("transfers.E104")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"self_edges": "cleared"}, "is no rule"),
        ({"owners": (Column("user"),)}, "rows with two owners, but one is declared"),
        ({"owners": (Column("user"),), "self_edges": "keep", "same_user": "twice"}, "but one is declared"),
    ],
    ids=["unknown", "one owner", "words without a second owner"],
)
def test_a_rule_that_cannot_be_followed(staff: DataType, db: None, facts: dict, words: str) -> None:
    with running.only(replace(staff, **facts)), pytest.raises(CannotCompile, match=words):
        compile_plans()


@pytest.mark.parametrize("rule", ["clear", "drop"])
def test_lists_are_neither_cleared_nor_dropped(db: None, rule: SelfEdges) -> None:
    """They hold other users too."""
    petition = running.type_of("smallapp_petition")
    assert isinstance(petition.owners[1], JsonPath)
    with running.only(replace(petition, self_edges=rule)), pytest.raises(CannotCompile, match="not lists"):
        compile_plans()
