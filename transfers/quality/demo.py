"""Demo rows of quality management: contacts of every channel, their evaluations, and goals week by week."""

from datetime import timedelta

from transfers.demo.draw import Draw, Row
from transfers.quality.models import (
    CCR,
    ContactGoal,
    ContactGoalPerson,
    ContactGoalProgress,
    Evaluation,
    EvaluationForm,
)

GOALS_OF_AN_AGENT = 3
CHANNELS = (*[CCR.Channel.VOICE] * 7, CCR.Channel.CHAT, CCR.Channel.CHAT, CCR.Channel.EMAIL, CCR.Channel.SMS)


def ccr(draw: Draw, row: Row) -> None:
    """Seven contacts of eleven are calls; only calls have numbers and are put on hold."""
    row["channel"] = draw.pick(CHANNELS)
    row["ended_at"] = row["started_at"] + timedelta(seconds=20 + draw.below(900))
    row["hold_seconds"] = draw.below(120) if draw.chance(0.2) else 0
    if row["channel"] != CCR.Channel.VOICE:
        row["calling_number"] = row["called_number"] = ""
        row["hold_seconds"] = 0


def evaluation(draw: Draw, row: Row) -> None:
    """What is in progress has no score yet, and only what is scored or appealed was approved by somebody."""
    if row["state"] == Evaluation.State.IN_PROGRESS:
        row["score"] = None
    if row["state"] in (Evaluation.State.IN_PROGRESS, Evaluation.State.NEEDS_APPROVAL):
        row["approver_id"] = None


def contact_goal_person(draw: Draw, row: Row) -> None:
    row["goal_id"] = goal_of(row["person_id"], draw.n, draw)


def contact_goal_progress(draw: Draw, row: Row) -> None:
    """Of each of the person's goals one row a week, from this week backwards."""
    week, which = divmod(draw.n, min(GOALS_OF_AN_AGENT, len(draw.pool(ContactGoal))))
    row["goal_id"] = goal_of(row["person_id"], which, draw)
    row["period"] = draw.until - timedelta(draw.until.weekday() + 7 * week)
    row["recorded"] = 5 + draw.below(60)
    row["updated_at"] = draw.midnight + timedelta(
        (row["period"] - draw.until).days + 4, seconds=61_200 + draw.below(3600)
    )


def goal_of(person: int, which: int, draw: Draw) -> int:
    goals = draw.pool(ContactGoal)
    goal: int = goals[(person + which) % len(goals)]
    return goal


LOOKUPS = {
    EvaluationForm: [
        {"name": name} for name in ("Standard call", "Sales call", "Complaint", "Chat quality", "Compliance")
    ],
    ContactGoal: [
        {"name": name, "contacts_per_week": contacts}
        for name, contacts in (
            ("Retention calls", 40),
            ("Back-office cases", 25),
            ("Chat contacts", 120),
            ("Follow-ups", 30),
            ("Cross-selling", 15),
            ("Quality call-backs", 20),
        )
    ],
}
VALUES = {
    CCR: ccr,
    Evaluation: evaluation,
    ContactGoalPerson: contact_goal_person,
    ContactGoalProgress: contact_goal_progress,
}
