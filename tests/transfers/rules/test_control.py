"""Each check of the totals after a batch detects an error that the other checks would miss."""

from collections.abc import Iterable

import pytest
from django.db import IntegrityError

from tests.transfers.rules import running
from tests.transfers.rules.people import People
from transfers.engine import batch
from transfers.engine.compiler.steps import Step
from transfers.engine.stage import perform_at_once
from transfers.engine.verify import TotalsMismatch


def run_watchlist(people: People, *lists: str) -> None:
    entry = running.type_of("smallapp_watchlist")
    rows = [
        {"id": n, "name": "", "users": [people[letter].pk for letter in letters]}
        for n, letters in enumerate(lists, start=1)
    ]
    running.insert("smallapp_watchlist", rows)
    with running.only(entry):
        running.run_pairs(people.by, people.pairs, [entry])


def forget_step(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def forgetting(steps: Iterable[Step]) -> None:
        perform_at_once(step for step in steps if step.name != name)

    monkeypatch.setattr(batch, "perform_at_once", forgetting)


def test_a_source_left_in_a_list_beside_the_target_is_noticed(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list already contained the target, so no count reveals that the source was not removed from the list."""
    forget_step(monkeypatch, "move_resolved")
    with pytest.raises(TotalsMismatch, match="still belong to the Source User"):
        run_watchlist(people, "ST")


def test_a_row_without_an_outcome_is_noticed(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_step(monkeypatch, "tally_resolved")
    with pytest.raises(TotalsMismatch, match="1 source records, but 0 moved"):
        run_watchlist(people, "S")


def test_a_lost_row_of_the_target_is_noticed(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(steps: Iterable[Step]) -> None:
        steps = list(steps)
        if any(step.name == "move_resolved" for step in steps):
            steps.append(Step("rogue", "DELETE FROM smallapp_watchlist WHERE id = 2"))
        perform_at_once(steps)

    monkeypatch.setattr(batch, "perform_at_once", losing)
    with pytest.raises(TotalsMismatch, match="2 records expected .* found 1"):
        run_watchlist(people, "S", "T")


@pytest.mark.parametrize("table", ["smallapp_keyed", "smallapp_two"])
def test_rows_that_stay_are_not_updated(people: People, table: str) -> None:
    """A needless update would fire triggers, which another system may use to record changes."""
    entry = running.type_of(table)
    names = ("owner_id", "k") if table == "smallapp_keyed" else ("evaluator_id", "approver_id")
    users = [people[letter].pk for letter in "TSX"]
    rows = [{"id": n, "v": 0, **dict.fromkeys(names, user)} for n, user in enumerate(users, start=1)]
    running.insert(table, [running.whole_row(entry.model, **row) for row in rows])
    places = "SELECT id || ' at ' || ctid FROM {} WHERE id <> 2 ORDER BY id"
    before = running.query(places, table)
    with running.only(entry):
        running.run_pairs(people.by, people.pairs, [entry])
    assert running.query(places, table) == before


DEFERRED_CHECK = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE check_violation; END';
CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON smallapp_plain DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();
"""


def test_deferred_constraints_are_checked_within_the_batch(people: People) -> None:
    running.change_tables(DEFERRED_CHECK)
    running.insert("smallapp_plain", [{"id": 1, "owner_id": people["S"].pk, "v": 0}])
    entry = running.type_of("smallapp_plain")
    with running.only(entry), pytest.raises(IntegrityError):
        running.run_pairs(people.by, people.pairs, [entry])
