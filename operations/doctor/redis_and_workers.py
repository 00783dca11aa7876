"""Checks of Redis and the workers, and of the transfers and emails that wait for them."""

from collections.abc import Iterator
from typing import Any, cast

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning
from django.utils import timezone

from operations.models import Heartbeat, Mail
from operations.monitoring import health
from transfers.models import State, Transfer
from wording.phrases import counted

MIN_VERSION = (6, 2)
START_WORKER = (
    "Start celery -A transfer_site worker, and one celery -A transfer_site beat (docs/operations.md). The first"
    " heartbeat arrives up to half a minute after they start."
)


def queue() -> Iterator[CheckMessage]:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2) as client:
            yield version(str(client.info("server")["redis_version"]))
            yield eviction(client)
    except (redis.RedisError, OSError) as error:
        yield Error(
            f"Redis cannot be reached ({type(error).__name__}).",
            hint="Check REDIS_URL and the server. Nothing is lost: once Redis is back, the recovery sweep resumes"
            " transfers.",
            id="doctor.redis",
        )


def version(text: str) -> CheckMessage:
    if tuple(int(part) for part in text.split(".")[:2]) < MIN_VERSION:
        return Error(f"Redis {text} is too old.", hint="Upgrade to Redis 6.2 or newer.", id="doctor.redis")
    return Info(f"Redis {text}.", id="doctor.redis")


def eviction(client: "redis.Redis") -> CheckMessage:
    memory = cast("dict[str, Any]", client.info("memory"))
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        return Warning(
            f"Redis evicts keys ({policy}): messages may be lost, and transfers then wait for the recovery sweep.",
            hint="Give the queue a Redis server with maxmemory-policy noeviction.",
            id="doctor.redis_memory",
        )
    return Info("Redis evicts no messages.", id="doctor.redis_memory")


def heartbeats() -> Iterator[CheckMessage]:
    yield workers()
    yield waiting_transfers()
    yield unsent_emails()


def workers() -> CheckMessage:
    if health.answers(health.workers):
        return Info("The scheduler and at least one worker are running.", id="doctor.workers")
    last = Heartbeat.objects.filter(name=Heartbeat.WORKER).first()
    when = (
        f"the last heartbeat was at {last.at:%Y-%m-%d %H:%M} UTC"
        if last
        else "there has been no heartbeat yet"
    )
    return Error(
        f"Either the scheduler or every worker is down: {when}.", hint=START_WORKER, id="doctor.workers"
    )


def waiting_transfers() -> CheckMessage:
    oldest = Transfer.objects.filter(state=State.QUEUED).order_by("confirmed_at").first()
    if oldest and oldest.confirmed_at and timezone.now() - oldest.confirmed_at > health.ALIVE:
        return Warning(
            f"Transfer {oldest.number} of {oldest.tenant.name} (in logs {oldest.pk}) has been waiting since"
            f" {oldest.confirmed_at:%H:%M} UTC.",
            hint=START_WORKER,
            id="doctor.waiting",
        )
    return Info("No transfer has been waiting for long.", id="doctor.waiting")


def unsent_emails() -> CheckMessage:
    stuck = Mail.objects.filter(done_at__isnull=True, attempts__gt=1)
    if number := stuck.count():
        error = stuck.order_by("-next_try_at")[0].last_error
        return Warning(
            f"{counted(number, 'email')} could not be sent so far ({error}).",
            hint="Check EMAIL_URL. Sending is retried automatically.",
            id="doctor.unsent_emails",
        )
    return Info("No email is waiting to be sent again.", id="doctor.unsent_emails")
