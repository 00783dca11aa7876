"""Measure the undo of a transfer against the transfer itself, in the same database."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection

from accounts.models import User
from bench.check import contents
from bench.contestants import Job, one_worker
from bench.data import Pair
from bench.measures import Piece, Say, facts
from bench.race import Result, check_agreement, prepared
from bench.server import Server, enter, leave
from bench.sizes import Sizes
from transfers import actions
from transfers.models import Transfer
from transfers.planning.plan import plan_of


def undo(server: Server, template: str, pairs: Sequence[Pair], sizes: Sizes, say: Say) -> Piece:
    """Transfer the pairs and undo them, each with one worker. Raise `Disagreement` if a record is not as before."""
    forth, back = Result(), Result()
    with prepared(server, template, pairs, "ready") as found:
        say(f"{len(pairs):,} pairs with {found.rows:,} rows, and back")
        for _ in range(sizes.rounds):
            with server.fresh(found.job.database) as name:
                job = replace(found.job, database=name)
                before = contents(server, name)
                forth.runs.append(one_worker(job))
                undoing, seconds = confirm_undo(job)
                back.runs.append(one_worker(undoing))
                check_agreement({"before": before, "after the undo": contents(server, name)})
        return (
            facts(found)
            | seconds
            | {
                "transfer": forth.to_json(),
                "undo": back.to_json(),
                "times_transfer": round(back.seconds / forth.seconds, 3),
            }
        )


def confirm_undo(job: Job) -> tuple[Job, dict[str, Any]]:
    """Confirm the undo of all pairs. Return it, and the seconds until its preview had all numbers."""
    enter(job.database)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    admin = User.objects.get(username="admin")
    began = time.perf_counter()
    draft = actions.undo(by=admin, transfer=Transfer.objects.get(pk=job.transfer_id))
    plan = plan_of(draft, admin)
    shown = time.perf_counter()
    ticked = {warning.code for warning in plan.to_tick}
    actions.confirm(by=admin, transfer=draft, plan_hash=plan.hash, typed_count=len(job.pairs), ticked=ticked)
    leave()
    return replace(job, transfer_id=draft.pk), {"undo_preview_seconds": round(shown - began, 3)}
