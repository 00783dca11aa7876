"""One row of each data type that has no call of its own in `records`; the same number gives the same key."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from accounts.models import AccessView, AccessViewAssignment, Team, User
from transfers.quality import models as qm
from transfers.workforce import models as wfm

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def further(user: User, number: int) -> None:
    """A row of each of those types for the user; two users who get the same number clash wherever there is a key."""
    quality(user, number)
    requests(user)
    automation(user, number)
    possessions(user, number)
    planning(user, number)
    work(user, number)


def named(model: Any, user: User, number: int) -> Any:
    """The thing of this number in the user's tenant: a skill, a project, a team ..."""
    return model.objects.get_or_create(tenant=user.tenant, name=f"{model.__name__} {number}")[0]


def quality(user: User, number: int) -> None:
    qm.LoginState.objects.create(user=user, state="ready", started_at=NOON)
    qm.RecordingCommand.objects.create(user=user, command="start", sent_at=NOON)
    qm.ContactGoal.objects.create(owner=user, name=f"Own goal {number}", contacts=20)
    qm.StorageFile.objects.create(
        owner=user, path=f"/{user.pk}/{number}.wav", kind="audio", size_bytes=9, checksum="0f", stored_at=NOON
    )
    qm.ArchiveAudit.objects.create(
        user=user, user_name=user.username, action="exported", path="/1.wav", occurred_at=NOON
    )
    qm.WFOAuditEvent.objects.create(
        user=user, user_name=user.username, area="reports", event="Ran a report", occurred_at=NOON
    )


def requests(user: User) -> None:
    request = wfm.UserMessagingRequest.objects.create(
        sender=user, recipient=user, kind="time off", subject="Holiday in August", sent_at=NOON
    )
    request.comments.create(author=user, comment="Approved.", created_at=NOON)
    wfm.UserServerRequest.objects.create(
        requested_by=user, kind="report", parameters={"user_ids": [user.pk]}, requested_at=NOON
    )


def automation(user: User, number: int) -> None:
    rule, workflow = named(wfm.AlertRule, user, number), named(wfm.Workflow, user, number)
    wfm.Alert.objects.create(user=user, rule=rule, raised_at=NOON)
    wfm.WorkflowCondition.objects.create(workflow=workflow, agent_ids=[user.pk])
    AccessViewAssignment.objects.create(user=user, view=named(AccessView, user, number))


def possessions(user: User, number: int) -> None:
    wfm.AccumulatedVacationHours.objects.create(
        user=user, vacation_type=named(wfm.VacationType, user, number), year=2026, earned_hours=160
    )
    wfm.SkillMapping.objects.create(
        user=user, skill=named(wfm.Skill, user, number), level=1, valid_from=NOON.date()
    )
    wfm.ProjectAssignment.objects.create(
        user=user, project=named(wfm.Project, user, number), hours_per_week=4, starts_on=NOON.date()
    )


def planning(user: User, number: int) -> None:
    day = date(2026, 3, number)
    wfm.AssignedException.objects.create(
        user=user, exception_type=named(wfm.ExceptionType, user, number), starts_at=NOON, ends_at=NOON + HOUR
    )
    wfm.AgentWorkShift.objects.create(user=user, starts_on=day, pattern="early", begins=time(6), minutes=480)
    wfm.AgentWorkHours.objects.create(
        user=user, weekday=number, earliest_start=time(6), latest_end=time(22), maximum_hours=8
    )
    wfm.AgentGroupDayAllocation.objects.create(user=user, team=named(Team, user, number), date=day)


def work(user: User, number: int) -> None:
    wfm.AgentProductivity.objects.create(
        user=user, granularity="interval", starts_at=NOON + number * HOUR, contacts_handled=3
    )
    wfm.AgentOfflineActivityHours.objects.create(
        user=user,
        activity=named(wfm.OfflineActivity, user, number),
        date=date(2026, 3, number),
        hours=2,
    )
    wfm.HistoricalActivity.objects.create(user=user, activity="break", starts_at=NOON, ends_at=NOON + HOUR)
