"""Records for the engine's tests: one short call for each, and a way to see every record table at once."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import count
from operator import or_
from typing import Any, assert_never

from django.db import connection
from django.db.models import Q

from accounts.models import Tenant, User
from tests.transfers.further_records import NOON, further
from transfers.quality.models import (
    CCR,
    ContactGoal,
    ContactGoalPerson,
    ContactGoalProgress,
    Evaluation,
    EvaluationComment,
    EvaluationForm,
)
from transfers.registry import data_types
from transfers.rules import ArrayColumn, Column, JsonPath, Owner, Polymorphic
from transfers.workforce.models import (
    AgentRealTimeState,
    AgentSchedule,
    AgentServiceProductivity,
    ScheduleActivity,
    Service,
)

numbers = count(1)


def call(agent: User) -> CCR:
    return CCR.objects.create(
        agent=agent,
        contact_id=next(numbers),
        channel="voice",
        direction="inbound",
        started_at=NOON,
        ended_at=NOON + timedelta(minutes=5),
    )


def evaluation(ccr: CCR, evaluator: User, approver: User | None) -> Evaluation:
    form, _ = EvaluationForm.objects.get_or_create(tenant=evaluator.tenant, name="Form")
    return Evaluation.objects.create(
        ccr=ccr, form=form, evaluator=evaluator, approver=approver, state="scored", evaluated_at=NOON
    )


def comment(on: Evaluation, author: User) -> EvaluationComment:
    return EvaluationComment.objects.create(evaluation=on, author=author, text="Well done", created_at=NOON)


def goal(owner: User, name: str) -> ContactGoal:
    return ContactGoal.objects.get_or_create(owner=owner, name=name, defaults={"contacts": 50})[0]


def shared_goal(tenant: Tenant, name: str) -> ContactGoal:
    """A goal for people of the tenant, owned by its first administrator, who is in nobody's pair."""
    administrators = User.objects.filter(tenant=tenant, role_assignments__isnull=False)
    return goal(administrators.earliest("pk"), name)


def goal_person(person: User, name: str) -> ContactGoalPerson:
    return ContactGoalPerson.objects.create(
        goal=shared_goal(person.tenant, name), person=person, assigned_at=NOON
    )


def progress(
    person: User, recorded: int, *, name: str = "Calls", week: int = 1, at: datetime = NOON
) -> ContactGoalProgress:
    return ContactGoalProgress.objects.create(
        goal=shared_goal(person.tenant, name),
        person=person,
        period=date(2026, 1, 5) + timedelta(weeks=week),
        recorded=recorded,
        updated_at=at,
    )


def schedule(user: User, day: int, activities: int = 2) -> AgentSchedule:
    made = AgentSchedule.objects.create(
        user=user, date=date(2026, 3, day), starts_at=NOON, ends_at=NOON + timedelta(hours=8)
    )
    for number in range(activities):
        ScheduleActivity.objects.create(
            schedule=made, activity="in service", starts_at=NOON + timedelta(hours=number), ends_at=NOON
        )
    return made


def productivity(user: User, hour: int) -> AgentServiceProductivity:
    service, _ = Service.objects.get_or_create(tenant=user.tenant, name="Billing")
    return AgentServiceProductivity.objects.create(
        user=user, service=service, granularity="interval", starts_at=NOON + timedelta(hours=hour)
    )


def real_time_state(user: User, state: str = "ready") -> AgentRealTimeState:
    return AgentRealTimeState.objects.create(user=user, state=state, since=NOON)


def everything(user: User, n: int = 3) -> None:
    """Some rows of every data type."""
    for number in range(1, n + 1):
        comment(evaluation(call(user), user, None), user)
        goal_person(user, f"Goal {number}")
        progress(user, 10 * number, week=number)
        schedule(user, number)
        productivity(user, number)
        further(user, number)
    real_time_state(user)


def tables() -> list[str]:
    """Every record table, and those of the children that hang on them."""
    owned = [entry.model._meta.db_table for entry in data_types()]
    return owned + [child.model._meta.db_table for entry in data_types() for child in entry.children]


def snapshot() -> dict[str, list[Any]]:
    """Every row of every record table, as text in a fixed order: equal snapshots are byte-identical tables."""
    return {table: list(rows_of(table)) for table in tables()}


def rows_of(table: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT t::text FROM "{table}" AS t ORDER BY 1')
        yield from (row[0] for row in cursor.fetchall())


def owned_by(user: User) -> dict[str, int]:
    """How many rows of each data type hold the user in any owner column, array or list."""
    counts = {}
    for entry in data_types():
        held = reduce(or_, (holds(owner, user) for owner in entry.owners))
        if n := entry.model.objects.filter(held).count():
            counts[entry.name] = n
    return counts


def holds(owner: Owner, user: User) -> Q:
    match owner:
        case Column(field=field, holds="id"):
            return Q(**{field: user})
        case Column(field=field, holds=attribute, tenant=tenant):
            mine = Q(**{field: getattr(user, attribute)})
            return mine & ~Q(**{field: ""}) & (Q(**{tenant: user.tenant}) if tenant else Q())
        case ArrayColumn(field=field):
            return Q(**{f"{field}__contains": [user.pk]})
        case JsonPath(field=field, path=path, as_text=as_text):
            return Q(**{f"{'__'.join((field, *path))}__contains": str(user.pk) if as_text else user.pk})
        case Polymorphic(field=field, kind_field=kind_field, kind=kind, as_text=as_text):
            return Q(**{field: str(user.pk) if as_text else user.pk, kind_field: kind})
    assert_never(owner)
