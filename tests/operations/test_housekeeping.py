"""Housekeeping deletes expired data, and keeps data in use, the audit log and ended transfers."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from environ import Env
from pytest_django import Settings

from accounts.people.user_import.models import UserImport
from audit.models import AuditEvent
from operations import housekeeping, mail
from operations.models import Mail
from tests.fixtures.cast import (
    Cast,
    signed_in,
)
from tests.fixtures.roles import as_owner
from tests.fixtures.running import (
    confirm,
    run,
    run_bulk,
    upload,
)
from tests.harness.databases import another_connection
from transfer_site.settings import sources
from transfers import actions
from transfers.models import (
    DraftRow,
    State,
    Transfer,
    TransferPair,
)

pytestmark = pytest.mark.django_db


def run_housekeeping() -> dict[str, int]:
    """Run the command and return the numbers it prints."""
    out = io.StringIO()
    call_command("housekeeping", stdout=out)
    lines = (line.strip().split(" ", 1) for line in out.getvalue().splitlines())
    return {what: int(number.replace(",", "")) for number, what in lines if number != "0"}


def ago(days: float) -> object:
    return timezone.now() - timedelta(days=days)


def age(transfer: Transfer, days: float, *columns: str) -> None:
    Transfer.objects.filter(pk=transfer.pk).update(**{column: ago(days) for column in columns})


def age_events(days: int) -> None:
    """Backdate all audit events. Their triggers refuse changes, so disable triggers, which requires a superuser."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE audit_auditevent SET at = now() - make_interval(days => %s)", [days])
        cursor.execute("RESET session_replication_role")


@pytest.fixture
def draft(cast: Cast) -> Transfer:
    """A draft with two rows, unchanged since the upload."""
    return upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))


# --- Previews ---------------------------------------------------------------------------------------------------------


def test_an_idle_preview_is_discarded_with_an_audit_event(cast: Cast, draft: Transfer) -> None:
    age(draft, 300, "created_at")
    age_events(31)
    assert run_housekeeping() == {"unconfirmed previews": 1, "preview rows": 2}
    assert Transfer.objects.get().state == State.DISCARDED
    event = AuditEvent.objects.get(kind="draft-expired")
    assert (event.tenant_id, event.transfer_number, event.details) == (
        cast.abacus.pk,
        draft.number,
        {"days": 30},
    )
    browser = signed_in(cast.ada)
    assert browser.get(f"/transfer/bulk/{draft.number}/", follow=True).status_code == 200
    assert "This preview was discarded." in browser.get(f"/transfers/{draft.number}/").content.decode()


def test_the_pages_of_a_deleted_preview_are_404(cast: Cast, draft: Transfer) -> None:
    actions.discard(by=cast.ada, transfer=draft)
    assert run_housekeeping() == {}
    age(draft, 31, "finished_at")
    assert run_housekeeping() == {"discarded previews": 1}
    for page in ("transfer-detail", "preview", "preview-errors", "transfer-confirmation"):
        response = signed_in(cast.ada).get(reverse(f"transfers:{page}", args=[draft.number]))
        assert response.status_code == 404
        assert "404.html" in [template.name for template in response.templates]
    assert AuditEvent.objects.filter(transfer_number=draft.number, kind="draft-discarded").exists()


def test_a_recently_changed_preview_stays(cast: Cast, draft: Transfer) -> None:
    """Its file was uploaded 300 days ago, but its latest event in the audit log is only 29 days old."""
    age(draft, 300, "created_at")
    age_events(29)
    assert run_housekeeping() == {}
    assert DraftRow.objects.count() == 2


def test_a_recent_preview_stays(draft: Transfer) -> None:
    age(draft, 29, "created_at")
    age_events(31)
    assert run_housekeeping() == {}


def test_preview_rows_of_ended_transfers_are_deleted_and_pairs_stay(cast: Cast) -> None:
    ended = run_bulk(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    assert run_housekeeping() == {}
    # An undo period ends at the end of a day in UTC and an hour later is noticed: up to 25 hours after its 30 days.
    age(ended, 32, "finished_at")
    assert run_housekeeping() == {"preview rows": 2, "expired undo periods": 1}
    assert TransferPair.objects.count() == 2
    assert AuditEvent.objects.filter(transfer_number=ended.number, kind="pair-succeeded").count() == 2
    browser = signed_in(cast.ada)
    for page in ("errors.csv", "log.csv", "retry.csv"):
        assert browser.get(f"/transfers/{ended.number}/{page}").status_code == 200
    assert b"Ana" in browser.get(f"/transfers/{ended.number}/").content


def test_open_transfers_keep_their_rows(cast: Cast, draft: Transfer, no_messages: None) -> None:
    Transfer.objects.update(created_at=ago(90))
    waiting = confirm(draft, cast.ada)
    age_events(90)
    assert run_housekeeping() == {}
    assert run(waiting).state == State.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_a_locked_preview_is_skipped(cast: Cast, draft: Transfer) -> None:
    other = upload(cast.ada, (cast.eli, cast.ana))
    Transfer.objects.update(created_at=ago(90))
    age_events(90)
    with another_connection() as other_session, other_session.transaction():
        other_session.execute("SELECT FROM transfers_transfer WHERE id = %s FOR UPDATE", [draft.pk])
        assert run_housekeeping()["unconfirmed previews"] == 1
    assert {t.pk: t.state for t in Transfer.objects.all()} == {
        draft.pk: State.DRAFT,
        other.pk: State.DISCARDED,
    }


# --- Everything else --------------------------------------------------------------------------------------------------


def sessions(cast: Cast) -> type[Model]:
    signed_in(cast.ada)
    signed_in(cast.bo)
    Session.objects.filter(pk=Session.objects.first().pk).update(expire_date=ago(0.01))
    return Session


def ended_sessions(cast: Cast) -> type[Model]:
    key = signed_in(cast.ada).session.session_key
    for session_key in (key, "deleted-session"):
        UserSession.objects.create(user=cast.ada, session_key=session_key, ip="10.0.0.1")
    return UserSession


def failures(cast: Cast) -> type[Model]:
    for name in ("ada", "bo"):
        AccessAttempt.objects.create(username=name, failures_since_start=1)
    AccessAttempt.objects.filter(username="bo").update(attempt_time=ago(0.02))
    return AccessAttempt


def mails(cast: Cast) -> type[Model]:
    Mail.objects.bulk_create(
        Mail(transfer_id=number, made_at=ago(60), next_try_at=ago(50), done_at=done)
        for number, done in enumerate((None, ago(29), ago(31)), start=1)
    )
    Mail.objects.filter(transfer_id=2).delete()
    return Mail


def user_imports(cast: Cast) -> type[Model]:
    for person, days in ((cast.ada, 0.9), (cast.frida, 1.1)):
        made = UserImport.objects.create(made_by=person, file_name="users.csv", rows=[{"cells": {}}])
        UserImport.objects.filter(pk=made.pk).update(created_at=ago(days))
    return UserImport


@pytest.mark.parametrize(
    ("two_of", "what"),
    [
        (sessions, "sessions"),
        (ended_sessions, "session list entries"),
        (failures, "failed sign-ins"),
        (mails, "sent emails"),
        (user_imports, "unconfirmed user imports"),
    ],
)
def test_of_two_rows_the_expired_one_is_deleted(
    cast: Cast, two_of: Callable[[Cast], type[Model]], what: str
) -> None:
    model = two_of(cast)
    assert model.objects.count() == 2
    assert run_housekeeping() == {what: 1}
    assert model.objects.count() == 1


def test_unexpired_cache_entries_stay(db: None) -> None:
    cache.set("gone", 1, timeout=-1)
    cache.set("here", 1, timeout=60)
    cache.set("for_ever", 1, timeout=None)
    assert run_housekeeping() == {"cache entries": 1}
    assert cache.get_many(["here", "for_ever"]) == {"here": 1, "for_ever": 1}


def test_email_rows_are_kept_longer_than_emails_are_created(monkeypatch: pytest.MonkeyPatch) -> None:
    assert timedelta(days=3) > mail.MAX_AGE
    monkeypatch.setenv("MAIL_DAYS", "3")
    assert sources.days(Env(), "MAIL_DAYS", 30, least=3) == 3


def test_every_setting_is_documented(settings: Settings) -> None:
    text = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    section = text.partition("## What is kept, and for how long")[2].partition("\n## ")[0]
    for rule in housekeeping.RETENTION:
        for name in rule.setting_names:
            assert not name.endswith("_DAYS") or f"`{name}`" in section
