"""Demo rows of productivity. A year has more contacts than a month, and a month more than a day."""

from datetime import datetime

from demo.records.draw import Draw, Row
from records.workforce.models import AgentProductivity, AgentServiceProductivity, Granularity, Service

SERVICES_OF_AN_AGENT = 3
# An agent's rows (for a service) come in groups of eight: four intervals, two days, a week, and a month or a year.
INTERVALS, DAYS, GROUP = 4, 2, 8
CONTACTS = {
    Granularity.INTERVAL: (1, 6),
    Granularity.DAY: (25, 60),
    Granularity.WEEK: (130, 290),
    Granularity.MONTH: (550, 1_200),
    Granularity.YEAR: (6_500, 13_000),
}
HOURS = {
    Granularity.INTERVAL: 0.5,
    Granularity.DAY: 8,
    Granularity.WEEK: 40,
    Granularity.MONTH: 168,
    Granularity.YEAR: 1_800,
}
SERVICES = (
    *("Billing", "Technical support", "Retention", "Sales", "Claims"),
    *("Reservations", "Complaints", "VIP line", "Chat", "Back office"),
)


def agent_service_productivity(draw: Draw, row: Row) -> None:
    services = draw.pool(Service)
    several = min(SERVICES_OF_AN_AGENT, len(services))
    number, which = divmod(draw.n, several)
    row["service_id"] = services[(row["user_id"] + which) % len(services)]
    row["granularity"], row["starts_at"] = period(draw, *divmod(number, GROUP))
    contacts = contacts_in(draw, row["granularity"])
    row["contacts_handled"] = contacts
    row["talk_seconds"] = contacts * (150 + draw.below(150))
    row["hold_seconds"] = contacts * draw.below(40)
    row["after_contact_seconds"] = contacts * (20 + draw.below(60))


def agent_productivity(draw: Draw, row: Row) -> None:
    """Split the logged-in seconds into seconds in contact, ready and not ready."""
    row["granularity"], row["starts_at"] = period(draw, *divmod(draw.n, GROUP))
    seconds = int(HOURS[row["granularity"]] * 3600)
    row["contacts_handled"] = contacts_in(draw, row["granularity"])
    row["logged_in_seconds"] = seconds
    row["in_contact_seconds"] = seconds * (40 + draw.below(40)) // 100
    row["not_ready_seconds"] = seconds * draw.below(20) // 100
    row["ready_seconds"] = seconds - row["in_contact_seconds"] - row["not_ready_seconds"]


def contacts_in(draw: Draw, granularity: Granularity) -> int:
    low, high = CONTACTS[granularity]
    return low + draw.below(high - low)


def period(draw: Draw, group: int, place: int) -> tuple[Granularity, datetime]:
    """Return the granularity and start of the row at position `place` of group number `group`.

    Later groups are further in the past, and no two combinations of group and place give the same
    granularity and start.
    """
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


LOOKUPS = {Service: [{"name": name} for name in SERVICES]}
VALUES = {AgentServiceProductivity: agent_service_productivity, AgentProductivity: agent_productivity}
