"""The queue, the workers behind it, and what waits for them."""

from collections.abc import Iterator
from typing import Any, cast

import redis
from django.conf import settings
from django.utils import timezone

from operations import health
from operations.doctor.findings import Finding, look, ok, wrong
from operations.models import Heartbeat, Mail
from transfers.models import State, Transfer

OLDEST = (6, 2)
START_ONE = (
    "Start celery -A transfer_site worker, and one celery -A transfer_site beat (docs/operations.md). Just started,"
    " they are seen after half a minute."
)


def queue() -> Iterator[Finding]:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2) as client:
            yield version(str(client.info("server")["redis_version"]))
            yield policy(client)
    except (redis.RedisError, OSError) as error:
        do = "Look at REDIS_URL and at the server. Transfers go on by the sweep once it is back; nothing is lost."
        yield wrong("Redis", f"cannot be reached ({type(error).__name__}).", do)


def version(text: str) -> Finding:
    if tuple(int(part) for part in text.split(".")[:2]) < OLDEST:
        return wrong("Redis", f"is version {text}.", "Version 6.2 or newer is needed.")
    return ok("Redis", f"version {text}.")


def policy(client: "redis.Redis") -> Finding:
    memory = cast("dict[str, Any]", client.info("memory"))
    found = memory.get("maxmemory_policy", "noeviction")
    if found != "noeviction":
        do = "Give the queue a Redis, or at least a database, with maxmemory-policy noeviction."
        return look("Redis memory", f"{found}: messages may be thrown away, and wait for the sweep.", do)
    return ok("Redis memory", "no message is thrown away.")


def signs_of_life() -> Iterator[Finding]:
    yield workers()
    yield waiting()
    yield mails()


def workers() -> Finding:
    if health.answers(health.workers):
        return ok("workers", "at least one is there, and the clock.")
    last = Heartbeat.objects.filter(name=Heartbeat.WORKER).first()
    seen = f"the last sign of life is of {last.at:%Y-%m-%d %H:%M} UTC" if last else "none was ever seen"
    return wrong("workers", f"no worker, or no clock: {seen}.", START_ONE)


def waiting() -> Finding:
    oldest = Transfer.objects.filter(state=State.QUEUED).order_by("confirmed_at").first()
    if oldest and oldest.confirmed_at and timezone.now() - oldest.confirmed_at > health.ALIVE:
        return look(
            "waiting", f"transfer {oldest.pk} has waited since {oldest.confirmed_at:%H:%M} UTC.", START_ONE
        )
    return ok("waiting", "no transfer waits for long.")


def mails() -> Finding:
    stuck = Mail.objects.filter(done_at__isnull=True, attempts__gt=1)
    number = stuck.count()
    if number:
        error = stuck.order_by("-next_try_at")[0].last_error
        return look(
            "mails", f"{number} could not be sent yet ({error}).", "Look at EMAIL_URL; they are tried again."
        )
    return ok("mails", "none is stuck.")
