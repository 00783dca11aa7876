"""Create the demo data in one transaction, so that an interrupted run leaves nothing behind."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from accounts.models import AccessView, Team, User
from demo import organisation
from demo.organisation import Scene
from demo.records.copying import finish
from demo.records.draw import Draw
from demo.records.load import Counts, make_lookup, make_records
from demo.records.order import FillStep, fill_steps, is_shared
from demo.special_users import freeze
from tenancy.models import Tenant

Say = Callable[[str], None]
MAX_REFERENCED = 5000  # existing rows of a shared model that demo rows may reference


class DatabaseNotEmpty(Exception):
    """The database already has a tenant."""


@dataclass
class Seeding:
    """The options of a run, and the number of rows created so far for each model.

    `scale` multiplies the rows of each agent, `seed` determines all random numbers, and `until` is the last day of the
    demo's year.
    """

    scale: float
    seed: int
    until: date
    counts: Counter[type[Model]] = field(default_factory=Counter)

    def draw_in(self, scene: Scene, pools: dict[type[Model], Sequence[Any]]) -> Callable[[type[Model]], Draw]:
        """Return a function that creates the `Draw` of a model in this tenant.

        Each model has its own seed, so that a new data type does not change the rows of the others.
        """

        def draw_for(model: type[Model]) -> Draw:
            random = Random(f"{self.seed} {model._meta.label_lower} of {scene.tenant.name}")  # nosec B311
            draw = Draw(random, scene.tenant.pk, self.until, scene.agents, pools)
            draw.ordinal = self.counts[model]
            return draw

        return draw_for


def seed(*, users: int, scale: float, seed: int, until: date, say: Say = lambda text: None) -> Counts:
    """Fill an empty database and return the number of rows by model.

    `users` is the number of users of the first tenant, including the accounts; the second has a few dozen. `say` is
    called with a line of progress for each step. If the database already has a tenant, `DatabaseNotEmpty` is raised.
    """
    with transaction.atomic():
        lock_empty_database()
        scenes = organisation.make(users, seed, until)
        say(f"{sum(len(scene.agents) for scene in scenes):,} users with records, in {len(scenes)} tenants")
        seeding = Seeding(scale, seed, until)
        fill(seeding, scenes, say)
        freeze()
        finish([User, *seeding.counts])
    return dict(seeding.counts)


def lock_empty_database() -> None:
    """Lock out other runs, make constraints immediate, and raise `DatabaseNotEmpty` if there is a tenant."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE tenancy_tenant IN EXCLUSIVE MODE")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if Tenant.objects.exists():
        raise DatabaseNotEmpty


def fill(seeding: Seeding, scenes: Sequence[Scene], say: Say) -> None:
    pools = [organisation_pools(scene) for scene in scenes]
    for step in fill_steps():
        started = time.monotonic()
        before = seeding.counts.total()
        for scene, own in zip(scenes, pools, strict=True):
            seeding.counts.update(fill_one(step, seeding, scene, own))
        name = step.entry.name if step.entry else str(step.model._meta.verbose_name_plural)
        rows = seeding.counts.total() - before
        say(f"{rows:>11,} rows  {time.monotonic() - started:6.1f} s  {name}")


def fill_one(
    step: FillStep, seeding: Seeding, scene: Scene, pools: dict[type[Model], Sequence[Any]]
) -> Counts:
    draw_for = seeding.draw_in(scene, pools)
    if step.entry:
        return make_records(step.entry, seeding.scale, draw_for)
    rows = step.model._default_manager.order_by("pk")
    if is_shared(step.model) and rows.exists():
        pools[step.model] = list(rows.values_list("pk", flat=True)[:MAX_REFERENCED])
        return {}
    return make_lookup(step.model, draw_for(step.model))


def organisation_pools(scene: Scene) -> dict[type[Model], Sequence[Any]]:
    """Return, by model, the primary keys that records may reference: all teams, and all views except EnterpriseView."""
    teams = Team.objects.filter(tenant=scene.tenant).order_by("pk")
    views = AccessView.objects.filter(tenant=scene.tenant, is_enterprise=False).order_by("pk")
    return {
        Team: list(teams.values_list("pk", flat=True)),
        AccessView: list(views.values_list("pk", flat=True)),
    }
