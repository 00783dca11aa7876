"""Demo rows of work hours, shifts, schedules with their activities, exceptions and team allocations."""

from datetime import time, timedelta
from decimal import Decimal
from itertools import pairwise

from demo.records.draw import Draw, Row
from records.workforce.models import (
    AgentGroupDayAllocation,
    AgentSchedule,
    AgentWorkHours,
    AgentWorkShift,
    AssignedException,
    ExceptionType,
    ScheduleActivity,
)

PLANNED_DAYS = 14  # days for which schedules are published ahead
SHIFTS = (6, 7, 8, 9, 12, 14, 22)  # start hours
SHIFT_DAYS = 84  # days until the next shift pattern starts
EXCEPTIONS = ("Sick leave", "Training", "Doctor's appointment", "Jury duty", "Union meeting", "System outage")
UNPAID = ("Jury duty",)
NOTES = ("", "", "", "As agreed with the team lead.", "Confirmed by phone.", "Certificate to follow.")
Activity = ScheduleActivity.Activity
Pattern = AgentWorkShift.Pattern


def agent_schedule(draw: Draw, row: Row) -> None:
    """Set the shift of one day. Agents work five days in a row and then have two days off.

    The first row is for the agent's last planned day, later rows for earlier days.
    """
    week, day = divmod(draw.n, 5)
    row["date"] = draw.until + timedelta(PLANNED_DAYS - week * 7 - day - row["user_id"] % 7)
    begins = SHIFTS[row["user_id"] % len(SHIFTS)]
    row["starts_at"] = draw.midnight + timedelta((row["date"] - draw.until).days, hours=begins)
    row["ends_at"] = row["starts_at"] + timedelta(hours=8)
    row["is_published"] = True


def schedule_activities(draw: Draw, schedule: Row) -> list[Row]:
    """Return six consecutive activities that fill the shift from its start to its end."""
    special = draw.pick((Activity.MEETING, Activity.COACHING, Activity.TRAINING))
    parts = [
        Activity.IN_SERVICE,
        Activity.BREAK,
        Activity.IN_SERVICE,
        Activity.LUNCH,
        Activity.IN_SERVICE,
        special,
    ]
    ends = [120, 135, 240 + 15 * draw.below(3), 300, 420 + 15 * draw.below(3), 480]
    times = [schedule["starts_at"] + timedelta(minutes=minutes) for minutes in (0, *ends)]
    return [
        {"activity": part, "starts_at": begin, "ends_at": end}
        for part, (begin, end) in zip(parts, pairwise(times), strict=True)
    ]


def work_shift(draw: Draw, row: Row) -> None:
    """Set one of the agent's shifts, which start `SHIFT_DAYS` apart, the latest on the Monday of this week.

    The latest shift has the same start hour as the agent's schedules.
    """
    row["starts_on"] = draw.until - timedelta(draw.until.weekday() + SHIFT_DAYS * draw.n)
    begins = SHIFTS[(row["user_id"] + draw.n) % len(SHIFTS)]
    row["begins"], row["minutes"], row["pattern"] = time(begins), 480, pattern(begins)


def pattern(begins: int) -> Pattern:
    if begins >= 22:
        return Pattern.NIGHT
    return Pattern.EARLY if begins < 8 else Pattern.DAY if begins < 12 else Pattern.LATE


def work_hours(draw: Draw, row: Row) -> None:
    """Make weekend days shorter than weekdays."""
    weekend = row["weekday"] >= AgentWorkHours.Weekday.SATURDAY
    row["earliest_start"] = time(8 if weekend else 6)
    row["latest_end"] = time(18 if weekend else 22)
    row["maximum_hours"] = Decimal(6 if weekend else 10)


def exception(draw: Draw, row: Row) -> None:
    """Let the exception start on the hour or half hour, and last from one hour to a full eight-hour shift."""
    row["starts_at"] = draw.at(1 + draw.below(180), 28_800 + 1800 * draw.below(12))
    row["ends_at"] = row["starts_at"] + timedelta(hours=draw.pick((1, 1, 2, 4, 8)))
    row["is_approved"] = draw.chance(0.9)
    row["note"] = draw.pick(NOTES)


def day_allocation(draw: Draw, row: Row) -> None:
    """Allocate one day, counting back from `until`, in most cases to the agent's own team."""
    row["date"] = draw.until - timedelta(draw.n)
    if draw.agent and draw.agent.team_id and draw.chance(0.9):
        row["team_id"] = draw.agent.team_id
    row["percent"] = draw.pick((100, 100, 100, 50))


LOOKUPS = {ExceptionType: [{"name": name, "is_paid": name not in UNPAID} for name in EXCEPTIONS]}
VALUES = {
    AgentSchedule: agent_schedule,
    AgentWorkShift: work_shift,
    AgentWorkHours: work_hours,
    AssignedException: exception,
    AgentGroupDayAllocation: day_allocation,
}
CHILDREN = {ScheduleActivity: schedule_activities}
