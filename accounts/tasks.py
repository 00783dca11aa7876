"""Periodic tasks for users. Beat sends them without arguments."""

import logging

from celery import shared_task

from accounts.people.from_view.source import PeopleRefused
from accounts.people.from_view.synchronising import synchronise

log = logging.getLogger(__name__)


@shared_task
def sync_people() -> None:
    """Follow the view of people, as `manage.py sync_people` does. Runs if SYNC_PEOPLE_MINUTES is set."""
    try:
        report = synchronise()
    except PeopleRefused as refused:
        log.error("the users do not follow the view of people: %s", " ".join(refused.sentences))
        return
    for found in report.tenants:
        log.info("people followed: %s", found)
    if report.notes:
        log.warning("%d people of the view were not followed: run manage.py sync_people", len(report.notes))
