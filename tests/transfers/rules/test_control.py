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
