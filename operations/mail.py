"""Mail to the requester when a transfer has ended: what became of it, in numbers, and where to look.

Each mail is a row, so that it is sent once however many workers there are, and tried again when the server of the mail
is away. It says neither who was transferred nor who failed: mail is read on telephones and forwarded.
"""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import wall
from accounts.models import User
from operations.models import Mail
from transfers.models import State, Transfer
from transfers.models.transfer import RESULTS
from transfers.results import numbers_in_words, progress_of

log = logging.getLogger(__name__)

# Older transfers get no mail any more, for example when the site comes back after a long time.
NOT_OLDER = timedelta(days=2)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
TRIES = 30  # more than a day
NEVER = "could not be sent"
IN_HAND = timedelta(minutes=5)  # longer than a mail server can take over one mail; then somebody else tries
ROUND = 30  # seconds, so that a slow mail server does not keep the workers from transfers


def note_ended() -> None:
    """A mail for each transfer that has ended and has none; two workers that do this at once make one."""
    young = Transfer.objects.filter(state__in=RESULTS, finished_at__gt=Now() - NOT_OLDER)
    ended = young.exclude(pk__in=Mail.objects.values("transfer_id")).values_list("pk", flat=True)
    Mail.objects.bulk_create([Mail(transfer_id=pk) for pk in ended], ignore_conflicts=True)


def send_due() -> int:
    """Send what is due until one fails or time is up; how many were sent. The rest has its turn in the next round."""
    sent, end = 0, time.monotonic() + ROUND
    while time.monotonic() < end and (mail := send_next()) and mail.done_at:
        sent += not mail.skipped
    return sent


def send_next() -> Mail | None:
    """The next mail that was due, and has `done_at` if nothing is left to do about it."""
    mail = take_in_hand()
    if mail is not None:
        deliver(mail)
        mail.save(update_fields=["done_at", "skipped", "last_error", "next_try_at"])
    return mail


def take_in_hand() -> Mail | None:
    """The try is counted, and committed, before it begins; nobody else has this mail in hand until it may be lost.

    No transaction is open while the mail server is spoken to: a server that takes long would outlast it, and the mail
    would be sent again and again.
    """
    with transaction.atomic():
        due = Mail.objects.filter(done_at__isnull=True, next_try_at__lte=Now())
        mail = due.select_for_update(skip_locked=True).order_by("next_try_at").first()
        if mail is not None:
            mail.attempts += 1
            mail.next_try_at = Now() + IN_HAND
            mail.save(update_fields=["attempts", "next_try_at"])
    return mail


def deliver(mail: Mail) -> None:
    transfer = Transfer.objects.filter(pk=mail.transfer_id).select_related("requested_by").first()
    mail.skipped = NEVER if mail.attempts > TRIES else reason_to_skip(transfer)
    if mail.skipped or transfer is None:
        mail.done_at = timezone.now()
        return
    with wall.tenant(transfer.tenant_id):
        send(mail, transfer)


def send(mail: Mail, transfer: Transfer) -> None:
    try:
        message(transfer).send()
    except Exception as error:  # whatever a mail server or its library comes up with
        log.warning("mail about transfer %s could not be sent, try %s: %r", transfer.pk, mail.attempts, error)
        try_later(mail, error)
    else:
        mail.done_at = timezone.now()


def reason_to_skip(transfer: Transfer | None) -> str:
    if transfer is None:
        return "there is no such transfer any more"
    person: User = transfer.requested_by
    if not person.is_active:
        return "the requester is not active any more"
    return "" if person.email else "the requester has no email address"


def try_later(mail: Mail, error: Exception) -> None:
    mail.last_error = type(error).__name__
    if mail.attempts >= TRIES:
        mail.skipped, mail.done_at = NEVER, timezone.now()
    pause = min(FIRST_PAUSE * 2 ** min(mail.attempts - 1, 10), LONGEST_PAUSE)
    mail.next_try_at = Now() + pause


def message(transfer: Transfer) -> EmailMessage:
    """The same message at each try, by its Message-ID too, so that a mail system can tell a second copy."""
    progress = progress_of(transfer)
    context = {
        "transfer": transfer,
        "progress": progress,
        "numbers": numbers_in_words(progress),
        "link": link(transfer),
    }
    return EmailMessage(
        subject=f"{transfer.get_kind_display()} transfer {transfer.pk}: {outcome(transfer)}",
        body=render_to_string("operations/transfer_ended.txt", context),
        to=[transfer.requested_by.email],
        headers={"Message-ID": f"<transfer-{transfer.pk}@{domain()}>", "Auto-Submitted": "auto-generated"},
    )


def outcome(transfer: Transfer) -> str:
    return State(transfer.state).label.lower()


def link(transfer: Transfer) -> str:
    """The address of its page; "" where SITE_URL does not say how the site is reached."""
    page = reverse("transfers:transfer-detail", args=[transfer.pk])
    return settings.SITE_URL.rstrip("/") + page if settings.SITE_URL else ""


def domain() -> str:
    return settings.SITE_URL.partition("://")[2].partition("/")[0].partition(":")[0] or "localhost"
