"""Demo rows of server requests, alerts and workflows."""

from datetime import timedelta
from typing import Any

from demo.records.draw import Draw, Row
from records.workforce.models import Alert, AlertRule, UserServerRequest, Workflow

Kind, State = UserServerRequest.Kind, UserServerRequest.State
Severity = Alert.Severity
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    Kind.REPORT: [{"report": "Adherence"}, {"report": "Productivity", "granularity": "week"}],
    Kind.EXPORT: [{"format": "csv", "days": 30}, {"format": "pdf", "days": 7}],
    Kind.PUBLISH_SCHEDULES: [{"weeks": 2}, {"weeks": 4}],
    Kind.RECALCULATE_ADHERENCE: [{"days": 1}, {"days": 7}],
}
RULES = [
    ("Late sign-in", Severity.LOW, "Signed in 12 minutes after the shift began."),
    ("Long call", Severity.MEDIUM, "On one call for more than 25 minutes."),
    ("Long hold", Severity.MEDIUM, "A customer was on hold for more than 5 minutes."),
    ("Out of adherence", Severity.MEDIUM, "Not ready for 20 minutes while planned in service."),
    ("Missed break", Severity.LOW, "No break within the first four hours."),
    ("Queue overflow", Severity.HIGH, "More than 30 contacts were waiting."),
    ("Repeated transfers", Severity.LOW, "Transferred four calls in one hour."),
    ("Overtime limit", Severity.HIGH, "Worked more than ten hours in a day."),
]
WORKFLOWS = (
    "Welcome new agents",
    "Escalate complaints",
    "Offer a callback",
    "Record everything",
    "Coach sales",
)


def server_request(draw: Draw, row: Row) -> None:
    row["parameters"] = draw.pick(PARAMETERS[row["kind"]]) | row["parameters"]
    row["state"] = State.DONE if draw.chance(0.96) else State.FAILED
    row["finished_at"] = row["requested_at"] + timedelta(seconds=2 + draw.below(600))


def alert(draw: Draw, row: Row) -> None:
    """Set severity and message according to the rule, and acknowledge four of five alerts within about eight hours."""
    place = draw.pool(AlertRule).index(row["rule_id"])
    _, row["severity"], row["message"] = RULES[place % len(RULES)]
    hours = timedelta(minutes=1 + draw.below(500))
    row["acknowledged_at"] = row["raised_at"] + hours if draw.chance(0.8) else None


LOOKUPS = {
    AlertRule: [{"name": name} for name, _, _ in RULES],
    Workflow: [{"name": name} for name in WORKFLOWS],
}
VALUES = {UserServerRequest: server_request, Alert: alert}
