"""Demo rows of current, past and offline activities."""

from datetime import timedelta
from decimal import Decimal

from demo.records.draw import Draw, Row
from records.workforce.models import (
    AgentOfflineActivityHours,
    AgentRealTimeState,
    HistoricalActivity,
    OfflineActivity,
)

OFFLINE = ("Back office", "Mentoring", "Knowledge base", "Works council", "Testing", "Letters")
State, Activity = AgentRealTimeState.State, HistoricalActivity.Activity
# The activities of a shift, each with its end in minutes after the start of the shift.
DAY = (
    (Activity.AVAILABLE, 20),
    (Activity.IN_CONTACT, 115),
    (Activity.AFTER_CONTACT, 125),
    (Activity.BREAK, 140),
    (Activity.IN_CONTACT, 240),
    (Activity.LUNCH, 300),
    (Activity.IN_CONTACT, 420),
    (Activity.MEETING, 480),
)


def offline_hours(draw: Draw, row: Row) -> None:
    """Set a day, one in each period of three days, and between 15 minutes and 4 hours of work on that day."""
    row["date"] = draw.until - timedelta(1 + 3 * draw.n + draw.below(3))
    row["hours"] = Decimal(1 + draw.below(16)) / 4


def historical_activity(draw: Draw, row: Row) -> None:
    """Set one of the activities that together fill a day without gaps.

    The first rows are for yesterday, later rows for earlier days.
    """
    days, part = divmod(draw.n, len(DAY))
    row["activity"], until = DAY[part]
    begin = DAY[part - 1][1] if part else 0
    row["starts_at"] = draw.at(1 + days, 28_800 + 60 * begin)
    row["ends_at"] = draw.at(1 + days, 28_800 + 60 * until)
    row["in_adherence"] = draw.chance(0.93)


def real_time_state(draw: Draw, row: Row) -> None:
    if draw.agent and not draw.agent.is_active:
        row["state"] = State.LOGGED_OUT
    row["since"] = draw.at(0, -draw.below(28_800))
    if row["state"] != State.NOT_READY:
        row["reason"] = ""


LOOKUPS = {OfflineActivity: [{"name": name} for name in OFFLINE]}
VALUES = {
    AgentOfflineActivityHours: offline_hours,
    HistoricalActivity: historical_activity,
    AgentRealTimeState: real_time_state,
}
