"""Demo rows of workforce management: shifts with their activities, and productivity as reports add it up."""

from datetime import datetime, timedelta
from itertools import pairwise

from transfers.demo.draw import Draw, Row
from transfers.workforce.models import (
    AgentRealTimeState,
    AgentSchedule,
    AgentServiceProductivity,
    Granularity,
    ScheduleActivity,
    Service,
)

PLANNED_DAYS = 14  # schedules are published so far ahead
SHIFTS = (6, 7, 8, 9, 12, 14, 22)  # hours at which shifts begin
SERVICES_OF_AN_AGENT = 3
Activity = ScheduleActivity.Activity

State = AgentRealTimeState.State


def agent_schedule(draw: Draw, row: Row) -> None:
    """Five days of work and two off, backwards from the end of what is planned."""
    week, day = divmod(draw.n, 5)
    row["date"] = draw.until + timedelta(PLANNED_DAYS - week * 7 - day - row["user_id"] % 7)
    begins = SHIFTS[row["user_id"] % len(SHIFTS)]
    row["starts_at"] = draw.midnight + timedelta((row["date"] - draw.until).days, hours=begins)
    row["ends_at"] = row["starts_at"] + timedelta(hours=8)
    row["is_published"] = True


def schedule_activities(draw: Draw, schedule: Row) -> list[Row]:
    """A day of six activities, one after the other from the beginning of the shift to its end."""
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


# --- Productivity ---------------------------------------------------------------------------------------------------

# Of eight rows of an agent and a service four are of an interval, two of a day, one of a week, one of a month or year.
INTERVALS, DAYS, OF_EIGHT = 4, 2, 8
CONTACTS = {
    Granularity.INTERVAL: (1, 6),
    Granularity.DAY: (25, 60),
    Granularity.WEEK: (130, 290),
    Granularity.MONTH: (550, 1_200),
    Granularity.YEAR: (6_500, 13_000),
}


def agent_service_productivity(draw: Draw, row: Row) -> None:
    services = draw.pool(Service)
    several = min(SERVICES_OF_AN_AGENT, len(services))
    number, which = divmod(draw.n, several)
    row["service_id"] = services[(row["user_id"] + which) % len(services)]
    row["granularity"], row["starts_at"] = period(draw, *divmod(number, OF_EIGHT))
    low, high = CONTACTS[row["granularity"]]
    contacts = low + draw.below(high - low)
    row["contacts_handled"] = contacts
    row["talk_seconds"] = contacts * (150 + draw.below(150))
    row["hold_seconds"] = contacts * draw.below(40)
    row["after_contact_seconds"] = contacts * (20 + draw.below(60))


def period(draw: Draw, group: int, place: int) -> tuple[Granularity, datetime]:
    """The granularity and the beginning of a row: further groups of eight lie further back, and no two are alike."""
    if place < INTERVALS:
        days, half_hours = divmod(group * INTERVALS + place, 16)
        return Granularity.INTERVAL, draw.at(1 + days, 28_800 + half_hours * 1800)
    if place < INTERVALS + DAYS:
        return Granularity.DAY, draw.at(1 + group * DAYS + place - INTERVALS, 0)
    if place == INTERVALS + DAYS:
        return Granularity.WEEK, draw.at(draw.until.weekday() + 7 * group, 0)
    years, months = divmod(group, 12)
    if months == 11:
        return Granularity.YEAR, draw.midnight.replace(month=1, day=1, year=draw.until.year - years)
    return Granularity.MONTH, month_before(draw, months + 11 * years)


def month_before(draw: Draw, months: int) -> datetime:
    years, month = divmod(draw.until.year * 12 + draw.until.month - 1 - months, 12)
    return draw.midnight.replace(year=years, month=month + 1, day=1)


def real_time_state(draw: Draw, row: Row) -> None:
    if draw.agent and not draw.agent.is_active:
        row["state"] = State.LOGGED_OUT
    row["since"] = draw.at(0, -draw.below(28_800))
    if row["state"] != State.NOT_READY:
        row["reason"] = ""


LOOKUPS = {
    Service: [
        {"name": name}
        for name in (
            "Billing",
            "Technical support",
            "Retention",
            "Sales",
            "Claims",
            "Reservations",
            "Complaints",
            "VIP line",
            "Chat",
            "Back office",
        )
    ]
}
VALUES = {
    AgentSchedule: agent_schedule,
    AgentServiceProductivity: agent_service_productivity,
    AgentRealTimeState: real_time_state,
}
CHILDREN = {ScheduleActivity: schedule_activities}
