"""Each ended transfer sends one email, even if workers die or the mail server is down for a while."""

import re
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from operations import mail, tasks
from operations.models import Mail
from tenancy.context import current_setting
from tests.fixtures.cast import Cast, add_pair, transfer
from tests.fixtures.undoing import mark_undone
from transfer_site.run.processes import wait_until
from transfers.models import Kind, PairState, State, Transfer


@pytest.fixture(autouse=True)
def site_url(settings: Settings) -> None:
    settings.SITE_URL = "https://transfer.example.org/"


def with_errors(cast: Cast) -> Transfer:
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.FINISHED_WITH_ERRORS)
    add_pair(
        made, 9, cast.cy, cast.di, state=PairState.FAILED, code="constraint", reason="Cy Young is locked."
    )
    return made


def test_the_email_holds_the_result_and_a_link(cast: Cast) -> None:
    made = with_errors(cast)
    tasks.send_mails()
    (sent,) = outbox.outbox
    assert sent.to == [cast.ada.email]
    assert sent.subject == f"Bulk transfer {made.number}: finished with errors"
    assert "1 of 2 users transferred · 1 failed" in sent.body
    assert f"https://transfer.example.org/transfers/{made.number}/\n" in sent.body


def test_the_email_names_no_users(cast: Cast) -> None:
    made = with_errors(cast)
    tasks.send_mails()
    text = outbox.outbox[0].subject + outbox.outbox[0].body
    known = {str(made.pk), "1", "2"}  # "1 of 2 users" is in the text
    numbers = set(re.findall(r"\d+", re.sub(r"\d+ \w+ \d+, \d+:\d+ UTC", "", text))) - known
    for person in (cast.ana, cast.bo, cast.cy, cast.di, cast.ada):
        assert str(person.pk) not in numbers
        for word in (person.first_name, person.last_name, person.username):
            assert word not in text


def test_who_ran_a_transfer_learns_that_somebody_else_undid_it(cast: Cast) -> None:
    made = transfer(cast.otto, (cast.ana, cast.bo))
    tasks.send_mails()
    outbox.outbox.clear()
    undo = mark_undone(cast.ada, made)
    for _ in range(2):
        tasks.send_mails()
    own, about = sorted(outbox.outbox, key=lambda sent: sent.to == [cast.otto.email])
    assert (own.to, about.to) == ([cast.ada.email], [cast.otto.email])
    assert own.subject == f"Transfer {undo.number}: undo of transfer {made.number}: succeeded"
    assert about.subject == f"Transfer {made.number} was undone"
    assert f"Your undo of transfer {made.number} has ended." in own.body
    assert "1 of 1 user undone" in own.body
    assert "1 of 1 user undone" in about.body
    assert f"https://transfer.example.org/transfers/{undo.number}/\n" in about.body
    assert own.extra_headers["Message-ID"] != about.extra_headers["Message-ID"]


def test_who_undoes_their_own_transfer_gets_one_email(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    tasks.send_mails()
    outbox.outbox.clear()
    mark_undone(cast.ada, made)
    tasks.send_mails()
    assert [sent.to for sent in outbox.outbox] == [[cast.ada.email]]


def test_an_undo_that_undid_nothing_is_not_reported_to_others(cast: Cast) -> None:
    made = transfer(cast.otto, (cast.ana, cast.bo))
    undo = mark_undone(cast.ada, made)
    undo.pairs.update(state=PairState.NOT_STARTED)
    tasks.send_mails()
    assert not Mail.objects.filter(about_undone=True).exists()


class RecordingBackend(BaseEmailBackend):
    """Records the tenant context in which an email is sent."""

    tenants: list[str] = []

    def send_messages(self, messages: Any) -> int:
        self.tenants.append(current_setting())
        return len(messages)


def test_sending_runs_in_the_context_of_its_tenant(cast: Cast, settings: Settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.RecordingBackend"
    with_errors(cast)
    tasks.send_mails()
    assert RecordingBackend.tenants == [str(cast.abacus.pk)]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.STOPPED])
def test_every_final_state_sends_an_email(cast: Cast, state: State) -> None:
    transfer(cast.ada, (cast.ana, cast.bo), state=state)
    tasks.send_mails()
    assert outbox.outbox[0].subject.endswith(state.label.lower())


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_open_transfers_send_no_email(cast: Cast, state: State) -> None:
    transfer(cast.ada, (cast.ana, cast.bo), state=state)
    tasks.send_mails()
    assert outbox.outbox == []


def test_ten_runs_send_one_email(cast: Cast) -> None:
    with_errors(cast)
    for _ in range(10):
        tasks.send_mails()
    assert len(outbox.outbox) == 1


def test_requesters_without_an_address_or_inactive_are_skipped(cast: Cast) -> None:
    cast.ada.email = ""
    cast.ada.save()
    cast.otto.is_active = False
    cast.otto.save()
    transfer(cast.ada, (cast.ana, cast.bo))
    transfer(cast.otto, (cast.cy, cast.di))
    tasks.send_mails()
    assert outbox.outbox == []
    assert sorted(Mail.objects.values_list("skipped", flat=True)) == [
        "the requester has no email address",
        "the requester is no longer active",
    ]


def test_old_transfers_send_no_email(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    Transfer.objects.filter(pk=made.pk).update(finished_at=timezone.now() - timedelta(days=3))
    tasks.send_mails()
    assert not Mail.objects.exists()


class Unavailable(BaseEmailBackend):
    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError("mail.internal:25")


def test_while_the_mail_server_is_down_sending_is_retried(cast: Cast, settings: Settings) -> None:
    with_errors(cast)
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.Unavailable"
    tasks.send_mails()
    tasks.send_mails()
    unsent = Mail.objects.get()
    assert (unsent.attempts, unsent.last_error, unsent.done_at) == (1, "ConnectionRefusedError", None)
    settings.EMAIL_BACKEND = working
    tasks.send_mails()
    assert outbox.outbox == []  # not before next_try_at
    Mail.objects.update(made_at=timezone.now() - timedelta(hours=1), next_try_at=timezone.now())
    tasks.send_mails()
    assert len(outbox.outbox) == 1
    assert Mail.objects.get().done_at


def test_after_the_last_attempt_it_gives_up(cast: Cast, settings: Settings) -> None:
    with_errors(cast)
    settings.EMAIL_BACKEND = f"{__name__}.Unavailable"
    mail.queue_ended()
    Mail.objects.update(attempts=mail.MAX_ATTEMPTS - 1)
    mail.send_due()
    assert Mail.objects.get().skipped == "could not be sent"
    assert mail.send_next() is None


SENT: list[str] = []
BOTH = threading.Barrier(2)


class Slow(BaseEmailBackend):
    """Waits until the other worker has tried to claim an email."""

    def send_messages(self, messages: Any) -> int:
        BOTH.wait(20)
        SENT.extend(message.subject for message in messages)
        return len(messages)


def send_in_thread(results: list[Mail | None]) -> None:
    try:
        results.append(mail.send_next())
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_concurrent_workers_send_one_email(settings: Settings) -> None:
    cast = Cast()
    transfer(cast.ada, (cast.ana, cast.bo))
    settings.EMAIL_BACKEND = f"{__name__}.Slow"
    SENT.clear()
    mail.queue_ended()
    results: list[Mail | None] = []
    first = threading.Thread(target=send_in_thread, args=[results])
    first.start()
    assert wait_until(lambda: Mail.objects.get().attempts == 1, 240)
    second = threading.Thread(target=send_in_thread, args=[results])
    second.start()
    second.join(20)
    BOTH.wait(20)
    first.join(20)
    assert results == [None, Mail.objects.get(done_at__isnull=False)]
    assert len(SENT) == 1


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_sending(settings: Settings) -> None:
    """Otherwise a database timeout would roll back done_at, and the email would be sent again and again."""
    cast = Cast()
    transfer(cast.ada, (cast.ana, cast.bo))
    settings.EMAIL_BACKEND = f"{__name__}.Inspecting"
    SEEN.clear()
    tasks.send_mails()
    assert SEEN == [(False, 1)]


SEEN: list[tuple[bool, int]] = []


class Inspecting(BaseEmailBackend):
    """Records whether a transaction is open, and the committed number of attempts."""

    def send_messages(self, messages: Any) -> int:
        SEEN.append((connection.in_atomic_block, Mail.objects.get().attempts))
        return len(messages)


def test_attempts_of_workers_that_die_count(cast: Cast, settings: Settings) -> None:
    with_errors(cast)
    mail.queue_ended()
    for _ in range(mail.MAX_ATTEMPTS):
        assert mail.claim_next_mail()
        Mail.objects.update(next_try_at=Now())
    assert mail.send_next()
    assert (Mail.objects.get().skipped, outbox.outbox) == ("could not be sent", [])


def test_a_round_ends_at_the_first_failure(cast: Cast, settings: Settings) -> None:
    for pair in ((cast.ana, cast.bo), (cast.cy, cast.di)):
        transfer(cast.ada, pair)
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.Unavailable"
    tasks.send_mails()
    assert sorted(Mail.objects.values_list("attempts", flat=True)) == [0, 1]
    settings.EMAIL_BACKEND = working
    tasks.send_mails()
    assert len(outbox.outbox) == 1


def test_a_round_ends_when_its_time_is_up(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for pair in ((cast.ana, cast.bo), (cast.cy, cast.di)):
        transfer(cast.ada, pair)
    times = iter([0.0, 0.0])
    monkeypatch.setattr(
        mail, "time", SimpleNamespace(monotonic=lambda: next(times, mail.ROUND_SECONDS + 1.0))
    )
    tasks.send_mails()
    assert len(outbox.outbox) == 1
