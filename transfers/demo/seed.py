"""Makes the demo: everything in one transaction, so that one that is broken off leaves nothing behind."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from accounts.models import AccessView, Team, Tenant, User
from transfers.demo import organisation
from transfers.demo.copying import finish
from transfers.demo.draw import Draw
from transfers.demo.order import Step, is_shared, steps
from transfers.demo.organisation import Scene
from transfers.demo.records import Counts, make_lookup, make_records
from transfers.demo.traps import freeze

Say = Callable[[str], None]


class AlreadyThere(Exception):
    """The database has a tenant already; the demo is for an empty one."""


@dataclass
class Seeding:
    """scale: multiplies the rows of each agent. seed: of every draw. until: the day on which the year ends."""

    scale: float
    seed: int
    until: date
    counts: Counter[type[Model]] = field(default_factory=Counter)

    def draw_in(self, scene: Scene, pools: dict[type[Model], Sequence[Any]]) -> Callable[[type[Model]], Draw]:
        """Each model has a chance of its own, so that a further data type does not change the rows of the others."""

        def draw_for(model: type[Model]) -> Draw:
            random = Random(f"{self.seed} {model._meta.label_lower} of {scene.tenant.name}")  # nosec B311
            draw = Draw(random, scene.tenant.pk, self.until, scene.agents, pools)
            draw.ordinal = self.counts[model]
            return draw

        return draw_for


def seed(*, users: int, scale: float, seed: int, until: date, say: Say = lambda text: None) -> Counts:
    """Fill an empty database; how many rows of each model. Raises `AlreadyThere`, and then changes nothing.

    users: of the first tenant, the accounts included; the second has a few dozen. say: told of each step.
    """
    with transaction.atomic():
        claim()
        scenes = organisation.make(users, seed, until)
        say(f"{sum(len(scene.agents) for scene in scenes):,} users with records, in {len(scenes)} tenants")
        seeding = Seeding(scale, seed, until)
        fill(seeding, scenes, say)
        freeze()
        finish([User, *seeding.counts])
    return dict(seeding.counts)


def claim() -> None:
    """One at a time, and only where there is nothing; rows are checked against each other as they come."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE accounts_tenant IN EXCLUSIVE MODE")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if Tenant.objects.exists():
        raise AlreadyThere


def fill(seeding: Seeding, scenes: Sequence[Scene], say: Say) -> None:
    pools = [organisation_pools(scene) for scene in scenes]
    for step in steps():
        started = time.monotonic()
        before = seeding.counts.total()
        for scene, own in zip(scenes, pools, strict=True):
            seeding.counts.update(fill_one(step, seeding, scene, own))
        name = step.entry.name if step.entry else str(step.model._meta.verbose_name_plural)
        rows = seeding.counts.total() - before
        say(f"{rows:>11,} rows  {time.monotonic() - started:6.1f} s  {name}")


def fill_one(step: Step, seeding: Seeding, scene: Scene, pools: dict[type[Model], Sequence[Any]]) -> Counts:
    draw_for = seeding.draw_in(scene, pools)
    if step.entry:
        return make_records(step.entry, seeding.scale, draw_for)
    rows = step.model._default_manager.order_by("pk")
    if is_shared(step.model) and rows.exists():
        pools[step.model] = list(rows.values_list("pk", flat=True)[:REFERABLE])
        return {}
    return make_lookup(step.model, draw_for(step.model))


REFERABLE = 5000


def organisation_pools(scene: Scene) -> dict[type[Model], Sequence[Any]]:
    """What records may refer to of the organisation: teams, and views but EnterpriseView."""
    teams = Team.objects.filter(tenant=scene.tenant).order_by("pk")
    views = AccessView.objects.filter(tenant=scene.tenant, is_enterprise=False).order_by("pk")
    return {
        Team: list(teams.values_list("pk", flat=True)),
        AccessView: list(views.values_list("pk", flat=True)),
    }
