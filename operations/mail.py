"""Emails the requester when a transfer has ended, with the result in numbers and a link.

If somebody else undoes a transfer, its requester gets an email too.

Each email is stored as a database row, so that it is sent only once, however many workers there are, and retried while
the mail server is down. It names no users, because emails are forwarded and read on phones.
"""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import User
from operations.models import Mail
from tenancy.context import tenant_context
from transfers.models import Kind, PairState, Transfer
from transfers.models.transfer import RESULTS
from transfers.results.progress import numbers_in_words, progress_of
from transfers.results.undo_deadline import undo_sentence

log = logging.getLogger(__name__)

# Transfers that ended longer ago than this get no email, for example after a long outage.
MAX_AGE = timedelta(days=2)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
MAX_ATTEMPTS = 30  # spread over more than a day
GIVEN_UP = "could not be sent"
# Longer than any mail server takes to accept an email. When a claim has expired, another worker tries again.
CLAIM_EXPIRES = timedelta(minutes=5)
# Limits each round, so that a slow mail server does not keep workers from processing transfers.
ROUND_SECONDS = 30


def queue_ended() -> None:
    """Create an email for each transfer that ended recently and has none.

    If two workers do this at the same time, each transfer still gets only one email.
    """
    recent = Transfer.objects.filter(state__in=RESULTS, finished_at__gt=Now() - MAX_AGE)
    undone = recent.filter(kind=Kind.UNDO, pairs__state=PairState.SUCCEEDED).distinct()
    undone_by_others = undone.exclude(undoes__requested_by=F("requested_by"))
    for transfers, about_undone in ((recent, False), (undone_by_others, True)):
        known = Mail.objects.filter(about_undone=about_undone).values("transfer_id")
        new = transfers.exclude(pk__in=known).values_list("pk", flat=True)
        mails = [Mail(transfer_id=pk, about_undone=about_undone) for pk in new]
        Mail.objects.bulk_create(mails, ignore_conflicts=True)


def send_due() -> int:
    """Send due emails until one fails or time is up, and return how many were sent. The next round sends the rest."""
    sent, end = 0, time.monotonic() + ROUND_SECONDS
    while time.monotonic() < end and (mail := send_next()) and mail.done_at:
        sent += not mail.skipped
    return sent


def send_next() -> Mail | None:
    """Try to send the next due email. Return it, or None if no email is due.

    Its `done_at` is set unless it will be tried again.
    """
    mail = claim_next_mail()
    if mail is not None:
        deliver(mail)
        mail.save(update_fields=["done_at", "skipped", "last_error", "next_try_at"])
    return mail


def claim_next_mail() -> Mail | None:
    """Claim the next due email for CLAIM_EXPIRES, and return it, or None if no email is due.

    The claim is committed before the email is sent. A transaction that stayed open while sending could be ended by a
    timeout if the mail server is slow; its rollback would undo the claim, and the email would be sent repeatedly.
    """
    with transaction.atomic():
        due = Mail.objects.filter(done_at__isnull=True, next_try_at__lte=Now())
        mail = due.select_for_update(skip_locked=True).order_by("next_try_at").first()
        if mail is not None:
            mail.attempts += 1
            mail.next_try_at = Now() + CLAIM_EXPIRES
            mail.save(update_fields=["attempts", "next_try_at"])
    return mail


def deliver(mail: Mail) -> None:
    people = ("requested_by", "undoes__requested_by")
    transfer = Transfer.objects.filter(pk=mail.transfer_id).select_related(*people).first()
    mail.skipped = GIVEN_UP if mail.attempts > MAX_ATTEMPTS else reason_to_skip(mail, transfer)
    if mail.skipped or transfer is None:
        mail.done_at = timezone.now()
        return
    with tenant_context(transfer.tenant_id):
        send(mail, transfer)


def send(mail: Mail, transfer: Transfer) -> None:
    try:
        message(mail, transfer).send()
    except Exception as error:  # mail servers and their libraries may raise anything
        log.warning(
            "transfer=%s: the email could not be sent, attempt %s: %r", transfer.pk, mail.attempts, error
        )
        reschedule(mail, error)
    else:
        mail.done_at = timezone.now()


def recipient(mail: Mail, transfer: Transfer) -> User:
    """Return the person who requested the transfer, or the one that it undid."""
    about = transfer.undoes if mail.about_undone and transfer.undoes else transfer
    return about.requested_by


def reason_to_skip(mail: Mail, transfer: Transfer | None) -> str:
    if transfer is None:
        return "the transfer no longer exists"
    person = recipient(mail, transfer)
    if not person.is_active:
        return "the requester is no longer active"
    return "" if person.email else "the requester has no email address"


def reschedule(mail: Mail, error: Exception) -> None:
    mail.last_error = type(error).__name__
    if mail.attempts >= MAX_ATTEMPTS:
        mail.skipped, mail.done_at = GIVEN_UP, timezone.now()
    pause = min(FIRST_PAUSE * 2 ** min(mail.attempts - 1, 10), LONGEST_PAUSE)
    mail.next_try_at = Now() + pause


def message(mail: Mail, transfer: Transfer) -> EmailMessage:
    """Return the email. Its Message-ID is the same at each attempt, so that mail systems can detect duplicates."""
    progress = progress_of(transfer)
    context = {
        "transfer": transfer,
        "name": f"undo of transfer {transfer.undone_number}" if transfer.is_undo else transfer.name.lower(),
        "progress": progress,
        "numbers": numbers_in_words(progress, transfer.done_word),
        "undo": undo_sentence(transfer) if progress.succeeded and not transfer.is_undo else "",
        "link": link(transfer),
    }
    name = "transfer_undone" if mail.about_undone else "transfer_ended"
    subject = f"{transfer}: {transfer.get_state_display().lower()}"
    return EmailMessage(
        subject=f"Transfer {transfer.undone_number} was undone" if mail.about_undone else subject,
        body=render_to_string(f"operations/{name}.txt", context),
        to=[recipient(mail, transfer).email],
        headers={
            "Message-ID": f"<{message_id(mail)}@{domain()}>",
            "Auto-Submitted": "auto-generated",
        },
    )


def message_id(mail: Mail) -> str:
    """Return an ID that tells nothing: the mail's own would tell a tenant how many the others get."""
    return salted_hmac("operations.mail", str(mail.pk), algorithm="sha256").hexdigest()[:32]


def link(transfer: Transfer) -> str:
    """Return the URL of the transfer's page; "" if SITE_URL is not set."""
    page = reverse("transfers:transfer-detail", args=[transfer.number])
    return settings.SITE_URL.rstrip("/") + page if settings.SITE_URL else ""


def domain() -> str:
    return settings.SITE_URL.partition("://")[2].partition("/")[0].partition(":")[0] or "localhost"
