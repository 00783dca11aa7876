"""Demo rows of quality management: login states, contacts of every channel, evaluations, weekly goal progress."""

from collections.abc import Sequence
from datetime import timedelta

from demo.records.draw import Draw, Row
from records.quality.models import (
    CCR,
    ArchiveAudit,
    ContactGoal,
    ContactGoalPerson,
    ContactGoalProgress,
    Evaluation,
    EvaluationForm,
    LoginState,
    RecordingCommand,
    StorageFile,
    WFOAuditEvent,
)

GOALS_OF_AN_AGENT = 3
CHANNELS = (*[CCR.Channel.VOICE] * 7, CCR.Channel.CHAT, CCR.Channel.CHAT, CCR.Channel.EMAIL, CCR.Channel.SMS)

# --- Contacts -------------------------------------------------------------------------------------------------------


def login_state(draw: Draw, row: Row) -> None:
    """Set one of the four states of a day: signed in, ready until noon, on a break, ready again.

    An agent's first four rows are for yesterday, the next four for the day before, and so on.
    """
    days_ago, part = divmod(draw.n, 4)
    states = LoginState.State
    row["state"] = (states.LOGGED_IN, states.READY, states.NOT_READY, states.READY)[part]
    begin, end = ((28_740, 28_800), (28_800, 43_200), (43_200, 45_000), (45_000, 61_200))[part]
    row["started_at"], row["ended_at"] = draw.at(1 + days_ago, begin), draw.at(1 + days_ago, end)


def ccr(draw: Draw, row: Row) -> None:
    """Set the channel: seven of eleven contacts are calls. Only calls have phone numbers and hold times."""
    row["channel"] = draw.pick(CHANNELS)
    row["ended_at"] = row["started_at"] + timedelta(seconds=20 + draw.below(900))
    row["hold_seconds"] = draw.below(120) if draw.chance(0.2) else 0
    if row["channel"] != CCR.Channel.VOICE:
        row["calling_number"] = row["called_number"] = ""
        row["hold_seconds"] = 0


def recording_command(draw: Draw, row: Row) -> None:
    """Give only TAG commands a tag, and let nearly all commands succeed."""
    tags = ("complaint", "card number", "praise", "cancellation", "training")
    row["tag"] = draw.pick(tags) if row["command"] == RecordingCommand.Command.TAG else ""
    if draw.chance(0.95):
        row["result"] = RecordingCommand.Result.DONE


# --- Evaluations ----------------------------------------------------------------------------------------------------


def evaluation(draw: Draw, row: Row) -> None:
    """Remove the score of an evaluation in progress, and the approver of an evaluation that is not approved yet."""
    if row["state"] == Evaluation.State.IN_PROGRESS:
        row["score"] = None
    if row["state"] in (Evaluation.State.IN_PROGRESS, Evaluation.State.NEEDS_APPROVAL):
        row["approver_id"] = None


# --- Goals ----------------------------------------------------------------------------------------------------------


def contact_goal(draw: Draw, row: Row) -> None:
    often = {ContactGoal.Period.DAY: 5, ContactGoal.Period.WEEK: 20, ContactGoal.Period.MONTH: 100}
    row["contacts"] = often[row["period"]] * (1 + draw.below(8))


def contact_goal_person(draw: Draw, row: Row) -> None:
    row["goal_id"] = goal_of(row["person_id"], draw.n, draw)


def contact_goal_progress(draw: Draw, row: Row) -> None:
    """Set the progress on one goal in one week. The first rows are for this week, later rows for earlier weeks."""
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


# --- Archive and audit ----------------------------------------------------------------------------------------------

SUFFIXES = {
    StorageFile.Kind.AUDIO: ".wav",
    StorageFile.Kind.SCREEN: ".mp4",
    StorageFile.Kind.TRANSCRIPT: ".txt",
    StorageFile.Kind.EXPORT: ".zip",
}
EVENTS: dict[str, Sequence[tuple[str, str]]] = {
    WFOAuditEvent.Area.SIGN_IN: [
        ("Signed in", ""),
        ("Signed out", ""),
        ("Sign-in refused", "Wrong password"),
    ],
    WFOAuditEvent.Area.RECORDINGS: [
        ("Played back a recording", "Contact 48213077, 4 min 12 s"),
        ("Exported a recording", "Contact 48119640, with screen recording"),
    ],
    WFOAuditEvent.Area.EVALUATIONS: [
        ("Opened an evaluation", "Standard call"),
        ("Changed a score", "Chat quality: 72 → 80"),
    ],
    WFOAuditEvent.Area.SCHEDULES: [
        ("Published schedules", "Two weeks, 16 agents"),
        ("Moved a break", "12:00 → 12:15"),
    ],
    WFOAuditEvent.Area.REPORTS: [
        ("Ran a report", "Adherence by team"),
        ("Sent a report", "Weekly productivity"),
    ],
    WFOAuditEvent.Area.ADMINISTRATION: [("Changed a setting", "Time zone"), ("Added a user to a view", "")],
}


def storage_file(draw: Draw, row: Row) -> None:
    row["path"] = row["path"].removesuffix(".wav") + SUFFIXES[row["kind"]]


def archive_audit(draw: Draw, row: Row) -> None:
    row["user_name"] = name_then(draw)


def wfo_audit_event(draw: Draw, row: Row) -> None:
    row["user_name"] = name_then(draw)
    row["event"], row["detail"] = draw.pick(EVENTS[row["area"]])


def name_then(draw: Draw) -> str:
    return draw.agent.username if draw.agent else ""


LOOKUPS = {
    EvaluationForm: [
        {"name": name} for name in ("Standard call", "Sales call", "Complaint", "Chat quality", "Compliance")
    ],
}
VALUES = {
    LoginState: login_state,
    CCR: ccr,
    RecordingCommand: recording_command,
    Evaluation: evaluation,
    ContactGoal: contact_goal,
    ContactGoalPerson: contact_goal_person,
    ContactGoalProgress: contact_goal_progress,
    StorageFile: storage_file,
    ArchiveAudit: archive_audit,
    WFOAuditEvent: wfo_audit_event,
}
