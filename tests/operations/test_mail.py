"""One mail a transfer, when it has ended, whatever happens to workers and to the server of the mail."""

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

from accounts import wall
from operations import mail, tasks
from operations.models import Mail
from tests.transfers.cast import Cast, add_pair, transfer
from transfer_site.processes import wait_until
from transfers.models import Kind, PairState, State, Transfer


@pytest.fixture(autouse=True)
def address_of_the_site(settings: Settings) -> None:
    settings.SITE_URL = "https://transfer.example.org/"


def with_errors(cast: Cast) -> Transfer:
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.FINISHED_WITH_ERRORS)
    add_pair(
        made, 9, cast.cy, cast.di, state=PairState.FAILED, code="constraint", reason="Cy Young is locked."
    )
    return made


def test_the_requester_is_told_how_it_ended_and_where_to_look(cast: Cast) -> None:
    made = with_errors(cast)
    tasks.send_mails()
    (sent,) = outbox.outbox
    assert sent.to == [cast.ada.email]
    assert sent.subject == f"Bulk transfer {made.pk}: finished with errors"
    assert "1 of 2 users transferred · 1 failed" in sent.body
    assert f"https://transfer.example.org/transfers/{made.pk}/\n" in sent.body


def test_no_mail_names_anybody(cast: Cast) -> None:
    made = with_errors(cast)
    tasks.send_mails()
    text = outbox.outbox[0].subject + outbox.outbox[0].body
    known = {str(made.pk), "1", "2"}  # 1 of 2 users
    numbers = set(re.findall(r"\d+", re.sub(r"\d+ \w+ \d+, \d+:\d+ UTC", "", text))) - known
    for person in (cast.ana, cast.bo, cast.cy, cast.di, cast.ada):
        assert str(person.pk) not in numbers
        for word in (person.first_name, person.last_name, person.username):
            assert word not in text


class Behind(BaseEmailBackend):
    """Notes whose rows the database shows while a mail is sent."""

    shown: list[str] = []

    def send_messages(self, messages: Any) -> int:
        self.shown.append(wall.current())
        return len(messages)


def test_while_a_mail_is_sent_only_its_tenant_is_shown(cast: Cast, settings: Settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Behind"
    with_errors(cast)
    tasks.send_mails()
    assert Behind.shown == [str(cast.abacus.pk)]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.STOPPED])
def test_every_end_is_told(cast: Cast, state: State) -> None:
    transfer(cast.ada, (cast.ana, cast.bo), state=state)
    tasks.send_mails()
    assert outbox.outbox[0].subject.endswith(state.label.lower())


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_before_the_end_nothing_is_told(cast: Cast, state: State) -> None:
    transfer(cast.ada, (cast.ana, cast.bo), state=state)
    tasks.send_mails()
    assert outbox.outbox == []


def test_asked_ten_times_it_is_sent_once(cast: Cast) -> None:
    with_errors(cast)
    for _ in range(10):
        tasks.send_mails()
    assert len(outbox.outbox) == 1


def test_without_an_address_or_an_account_it_is_skipped(cast: Cast) -> None:
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
        "the requester is not active any more",
    ]


def test_old_transfers_are_left_alone(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    Transfer.objects.filter(pk=made.pk).update(finished_at=timezone.now() - timedelta(days=3))
    tasks.send_mails()
    assert not Mail.objects.exists()


class Away(BaseEmailBackend):
    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError("mail.internal:25")


def test_while_the_mail_server_is_away_it_is_tried_again_and_others_have_their_turn(
    cast: Cast, settings: Settings
) -> None:
    with_errors(cast)
    there = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.Away"
    tasks.send_mails()
    tasks.send_mails()
    waiting = Mail.objects.get()
    assert (waiting.attempts, waiting.last_error, waiting.done_at) == (1, "ConnectionRefusedError", None)
    settings.EMAIL_BACKEND = there
    tasks.send_mails()
    assert outbox.outbox == []  # not before its time
    Mail.objects.update(made_at=timezone.now() - timedelta(hours=1), next_try_at=timezone.now())
    tasks.send_mails()
    assert len(outbox.outbox) == 1
    assert Mail.objects.get().done_at


def test_it_is_given_up_at_last(cast: Cast, settings: Settings) -> None:
    with_errors(cast)
    settings.EMAIL_BACKEND = f"{__name__}.Away"
    mail.note_ended()
    Mail.objects.update(attempts=mail.TRIES - 1)
    mail.send_due()
    assert Mail.objects.get().skipped == "could not be sent"
    assert mail.send_next() is None


SENT: list[str] = []
BOTH = threading.Barrier(2)


class Slow(BaseEmailBackend):
    """Waits until the other worker has looked for a mail, too."""

    def send_messages(self, messages: Any) -> int:
        BOTH.wait(20)
        SENT.extend(message.subject for message in messages)
        return len(messages)


def work(results: list[Mail | None]) -> None:
    try:
        results.append(mail.send_next())
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_it_once(settings: Settings) -> None:
    cast = Cast()
    transfer(cast.ada, (cast.ana, cast.bo))
    settings.EMAIL_BACKEND = f"{__name__}.Slow"
    SENT.clear()
    mail.note_ended()
    results: list[Mail | None] = []
    first = threading.Thread(target=work, args=[results])
    first.start()
    assert wait_until(lambda: Mail.objects.get().attempts == 1, 20)
    second = threading.Thread(target=work, args=[results])
    second.start()
    second.join(20)
    BOTH.wait(20)
    first.join(20)
    assert results == [None, Mail.objects.get(done_at__isnull=False)]
    assert len(SENT) == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_is_open_while_the_mail_server_takes_its_time(settings: Settings) -> None:
    """Else a time-out of the database would undo that the mail was sent, and it would be sent for ever."""
    cast = Cast()
    transfer(cast.ada, (cast.ana, cast.bo))
    settings.EMAIL_BACKEND = f"{__name__}.Looking"
    OPEN.clear()
    tasks.send_mails()
    assert OPEN == [(False, 1)]


OPEN: list[tuple[bool, int]] = []


class Looking(BaseEmailBackend):
    """Notes whether a transaction is open, and the tries that are on record."""

    def send_messages(self, messages: Any) -> int:
        OPEN.append((connection.in_atomic_block, Mail.objects.get().attempts))
        return len(messages)


def test_a_worker_that_dies_at_each_try_gives_up_as_well(cast: Cast, settings: Settings) -> None:
    with_errors(cast)
    mail.note_ended()
    for _ in range(mail.TRIES):
        assert mail.take_in_hand()
        Mail.objects.update(next_try_at=Now())
    assert mail.send_next()
    assert (Mail.objects.get().skipped, outbox.outbox) == ("could not be sent", [])


def test_one_round_tries_a_server_that_is_away_once(cast: Cast, settings: Settings) -> None:
    for pair in ((cast.ana, cast.bo), (cast.cy, cast.di)):
        transfer(cast.ada, pair)
    there = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.Away"
    tasks.send_mails()
    assert sorted(Mail.objects.values_list("attempts", flat=True)) == [0, 1]
    settings.EMAIL_BACKEND = there
    tasks.send_mails()
    assert len(outbox.outbox) == 1


def test_a_slow_server_has_a_worker_for_so_long_and_no_longer(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pair in ((cast.ana, cast.bo), (cast.cy, cast.di)):
        transfer(cast.ada, pair)
    times = iter([0.0, 0.0])
    monkeypatch.setattr(mail, "time", SimpleNamespace(monotonic=lambda: next(times, mail.ROUND + 1.0)))
    tasks.send_mails()
    assert len(outbox.outbox) == 1
