"""Pairs whose records show every rule, for tests that break a transfer in the middle and look at what is left."""

from django.db import connection

from accounts.models import User
from tests.transfers import records
from tests.transfers.cast import Cast, agent
from transfers.models import PairState, Transfer
from transfers.quality.models import CCR, ContactGoalProgress
from transfers.workforce.models import AgentSchedule, ScheduleActivity

MANY_CALLS = """
INSERT INTO quality_ccr (
    agent_id, contact_id, channel, direction, calling_number, called_number, started_at, ended_at, hold_seconds
)
SELECT u, n, 'voice', 'inbound', '', '', now(), now(), 0 FROM unnest(%s::bigint[]) AS u, generate_series(1, %s) AS n
"""


def pairs_with_calls(cast: Cast, number: int, calls: int) -> list[tuple[User, User]]:
    """Sources and targets with records of a type that combines, one that sums and one that overwrites.

    The schedule of a source has two parts and that of a target one, so that one sees which is left.
    """
    users = [agent(cast.support, f"Agent Number{place}") for place in range(2 * number)]
    with connection.cursor() as cursor:
        cursor.execute(MANY_CALLS, [[user.pk for user in users[:number]], calls])
    for place, user in enumerate(users):
        records.progress(user, 1)
        records.schedule(user, 1, activities=2 if place < number else 1)
    return list(zip(users[:number], users[number:], strict=True))


def done(transfer: Transfer) -> int:
    return transfer.pairs.filter(state=PairState.SUCCEEDED).count()


def assert_whole_or_untouched(transfer: Transfer, calls: int) -> None:
    """No pair is half done, and none is done twice, by the rows themselves and not by what the pair says."""
    for pair in transfer.pairs.all():
        moved = pair.state == PairState.SUCCEEDED
        assert CCR.objects.filter(agent=pair.target if moved else pair.source).count() == calls
        assert not CCR.objects.filter(agent=pair.source if moved else pair.target).exists()
        recorded = ContactGoalProgress.objects.filter(person=pair.target).values_list("recorded", flat=True)
        assert list(recorded) == [2 if moved else 1]
        assert AgentSchedule.objects.filter(user=pair.target).count() == 1
        assert AgentSchedule.objects.filter(user=pair.source).exists() is not moved
        assert ScheduleActivity.objects.filter(schedule__user=pair.target).count() == (2 if moved else 1)
