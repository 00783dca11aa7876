"""Draw the pairs of a round from its seed, and confirm them through the same actions that the pages use."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from unittest.mock import patch

import redis
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from tests.harness.chaos.late import CALLS, KINDS
from transfers import actions
from transfers.actions import confirming
from transfers.models import DraftRow, Transfer
from transfers.planning.plan import plan_of
from transfers.registry import by_key

PersonPair = tuple[int, int]


@dataclass(frozen=True)
class Bulk:
    """A confirmed bulk transfer.

    `cookie` is the session of a signed-in user. For each data type to which the other system writes, `sources_with`
    lists the sources that have records of that type.
    """

    transfer: Transfer
    pairs: Sequence[PersonPair]
    cookie: str
    sources_with: Mapping[str, Sequence[int]]

    @property
    def sources_with_calls(self) -> Sequence[int]:
        """The sources with contact records, which most kinds of `poison` need."""
        return self.sources_with[CALLS.data_type]


def confirmed_bulk(draw: Random, pairs: int, chunk: int | None = None) -> Bulk:
    """Draw and confirm up to `pairs` pairs in chunks of `chunk` pairs, or of the default size if None.

    With small chunks, a small transfer can be interrupted at as many points as a large one.
    """
    connection.close()
    forget_messages()
    admin = User.objects.get(username="admin")
    drawn = draw_pairs(draw, admin, pairs)
    draft = upload(admin, drawn)
    refused = set(draft.rows.filter(status=DraftRow.Status.ERROR).values_list("number", flat=True))
    if refused:
        actions.discard(by=admin, transfer=draft)
        drawn = [pair for number, pair in enumerate(drawn, start=2) if number not in refused]
        draft = upload(admin, drawn)
    sources_with = {kind.data_type: sources_of(kind.data_type, drawn) for kind in KINDS}
    client = Client()
    client.force_login(admin)
    transfer = confirm(draft, chunk)
    return Bulk(transfer, drawn, client.cookies[settings.SESSION_COOKIE_NAME].value, sources_with)


def confirm(draft: Transfer, chunk: int | None) -> Transfer:
    """Confirm the draft in chunks of `chunk` pairs, or of the default size if None."""
    plan = plan_of(draft, draft.requested_by)
    with patch.object(confirming, "CHUNK_PAIRS", chunk or confirming.CHUNK_PAIRS):
        return actions.confirm(
            by=draft.requested_by,
            transfer=draft,
            plan_hash=plan.hash,
            typed_count=len(plan.pairs),
            ticked={warning.code for warning in plan.to_tick},
        )


def sources_of(data_type: str, pairs: Sequence[PersonPair]) -> list[int]:
    """Return the sources that have records of the data type."""
    holders = holders_of(data_type)
    return [source for source, _ in pairs if source in holders]


def holders_of(data_type: str) -> set[int]:
    entry = by_key(data_type)
    field = f"{entry.owners[0].field}_id"
    return set(entry.model._default_manager.values_list(field, flat=True).distinct())


def draw_pairs(draw: Random, admin: User, pairs: int) -> list[PersonPair]:
    agents = list(User.objects.filter(tenant=admin.tenant, team__isnull=False).order_by("pk"))
    people = draw.sample([agent.pk for agent in agents if agent.pk != admin.pk], k=len(agents) // 2 * 2)
    half = min(pairs, len(people) // 2)
    return list(zip(people[:half], people[half : 2 * half], strict=True))


def upload(admin: User, pairs: Sequence[PersonPair]) -> Transfer:
    lines = ["From User ID,To User ID", *(f"{source},{target}" for source, target in pairs)]
    return actions.upload(by=admin, file_name="people.csv", stream=io.BytesIO("\r\n".join(lines).encode()))


def forget_messages() -> None:
    """Drop the messages left from the previous round, because they name a transfer ID that this round uses again."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(settings.CELERY_TASK_DEFAULT_QUEUE)
