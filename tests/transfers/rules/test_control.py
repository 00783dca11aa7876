"""The control totals notice what the engine forgot, each of them what no other would."""

import pytest

from tests.transfers.rules import running
from tests.transfers.rules.people import People
from transfers.engine import batch
from transfers.engine.stage import perform_at_once
from transfers.engine.verify import DoesNotAddUp


def test_a_source_that_stays_beside_the_target_is_noticed(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row held the target all along, so no number says that nobody rewrote it."""

    def forgetting(steps):  # type: ignore[no-untyped-def]
        perform_at_once(step for step in steps if step.name != "move_judged")

    monkeypatch.setattr(batch, "perform_at_once", forgetting)
    entry = running.type_of("smallapp_watchlist")
    users = [people["S"].pk, people["T"].pk]
    running.insert("smallapp_watchlist", [{"id": 1, "name": "", "users": users}])
    with running.only(entry), pytest.raises(DoesNotAddUp, match="still hold a source"):
        running.run_pairs(people.by, people.pairs, [entry])


@pytest.mark.parametrize("table", ["smallapp_keyed", "smallapp_two"])
def test_rows_that_stay_are_not_even_written(people: People, table: str) -> None:
    """Another system may note in a trigger who changed a row."""
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
