"""Confirm a draft, so that the transfer runs. Everything is checked again, because a transfer is permanent."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from audit.log import record
from transfers import tasks
from transfers.models import DraftRow, Kind, State, Transfer, TransferPair
from transfers.models.transfer import OPEN, PERMISSION_TO_RUN, move
from transfers.planning.background_counts import plan_to_show
from transfers.planning.plan import Plan, PlannedPair, plan_of
from transfers.planning.undo.groups import units_of
from transfers.planning.undo.plan import PlannedUndo, UndoPlan
from transfers.results.undo import refusal_of
from transfers.validation import problem_kinds
from transfers.validation.undo import problem_kinds as undo_kinds
from wording.problems import Problem, Severity

# The limits of a chunk, which normally runs in one transaction: large enough to keep the number of statements low, and
# small enough to keep the commit short.
CHUNK_PAIRS = 500
CHUNK_ROWS = 100_000

# One parameter for all pairs: `bulk_create` binds each of 40,000 values by itself, which takes 0.2 s for 2,000 pairs.
CREATE_PAIRS = """
INSERT INTO transfers_transferpair (
    transfer_id, row_number, source_id, target_id, source_name, target_name, warnings, weight, chunk,
    undoes, state, attempts, pauses, counts, code, reason, remedy, data_type
)
SELECT %(transfer)s, row_number, source_id, target_id, source_name, target_name, warnings, weight, chunk,
    undoes, 'pending', 0, 0, '{}', '', '', '', ''
FROM jsonb_to_recordset(%(pairs)s::jsonb) AS p (
    row_number int, source_id bigint, target_id bigint, source_name text, target_name text, warnings jsonb,
    weight bigint, chunk int, undoes bigint[]
)
"""
# In the order of the users, so that two confirmations wait for each other instead of ending in a deadlock.
CREATE_PARTICIPANTS = """
INSERT INTO transfers_participant (user_id, transfer_id)
SELECT user_id, transfer_id
FROM transfers_transferpair, LATERAL (VALUES (source_id), (target_id)) AS users (user_id)
WHERE transfer_id = %(transfer)s
ORDER BY user_id
"""


class CannotConfirm(Exception):
    """The draft cannot be confirmed. `problems` say why and what to do; `plan` is the current plan, if known."""

    def __init__(self, problems: Sequence[Problem], plan: Plan | None = None) -> None:
        self.problems = list(problems)
        self.plan = plan
        super().__init__(" ".join(problem.sentence for problem in problems))


class PlanChanged(Exception):
    """The plan is no longer the one that was shown to the person; `plan` is the current one."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__("The preview is out of date: a number, a user or a warning has changed.")


def confirm(
    *,
    by: User,
    transfer: Transfer,
    plan_hash: str,
    typed_count: int | None = None,
    ticked: Collection[str] = (),
    address: str | None = None,
) -> Transfer:
    """Confirm a draft. Idempotent: a transfer that is already confirmed is returned unchanged.

    plan_hash: the hash of the plan that the person was shown. typed_count: the number of pairs that the person typed,
    required for a bulk transfer. ticked: the codes of the warnings that the person ticked. Raises `PlanChanged` or
    `CannotConfirm`, after recording the refusal in the audit log.
    """
    try:
        with transaction.atomic():
            return start_draft(by, transfer.pk, plan_hash, typed_count, ticked, address)
    except (CannotConfirm, PlanChanged) as refusal:
        record_refusal(by, transfer, address, str(refusal))
        raise


def start_draft(
    by: User,
    transfer_id: int,
    plan_hash: str,
    typed_count: int | None,
    ticked: Collection[str],
    address: str | None,
) -> Transfer:
    draft = Transfer.objects.select_for_update().get(pk=transfer_id)
    if draft.state == State.DISCARDED:
        raise CannotConfirm([problem_kinds.NOT_A_DRAFT()])
    if draft.state != State.DRAFT:
        return draft
    by = User.objects.get(pk=by.pk)  # with their permissions and views as they are now
    refuse_while_rehearsed(draft)
    # An undo compares every record again when it runs, and pairs with changed records fail alone. So a large one need
    # not be compared in the request too, which would take as long as the undo.
    plan = plan_to_show(draft, by) if draft.is_undo else plan_of(draft, by)
    refuse_unready(by, draft, plan)
    if plan.hash != plan_hash:
        raise PlanChanged(plan)
    if asks_for_number(draft):
        refuse_incomplete(plan, typed_count, ticked)
    queue_transfer(draft, plan)
    record_confirmation(by, draft, plan, address)
    transaction.on_commit(lambda: tasks.wake(transfer_id), robust=True)
    draft.refresh_from_db()
    return draft


def record_confirmation(by: User, draft: Transfer, plan: Plan, address: str | None) -> None:
    kind = "undo-confirmed" if draft.is_undo else "transfer-confirmed"
    about: dict[str, Any] = {"transferred": plan.totals.transferred, "deleted": plan.totals.deleted}
    if isinstance(plan, UndoPlan):
        totals = plan.totals
        about = {"of_transfer": draft.undone_number, "leaves_changed": draft.leaves_changed}
        about |= {"returned": totals.returned, "restored": totals.restored, "left": totals.left}
    record(
        kind,
        tenant_id=draft.tenant_id,
        by=by,
        address=address,
        transfer_number=draft.number,
        pairs=len(plan.pairs),
        plan_hash=plan.hash,
        **about,
    )


def asks_for_number(draft: Transfer) -> bool:
    """Return whether the confirmation asks for the number of pairs: in bulk, and to undo several pairs."""
    if draft.is_undo:
        return draft.rows.exclude(status=DraftRow.Status.CLEARED).count() > 1
    return draft.is_bulk


def refuse_while_rehearsed(draft: Transfer) -> None:
    """Raise CannotConfirm while the draft is rehearsed. The caller holds its lock, as does who starts a rehearsal."""
    if Transfer.objects.filter(pk=draft.pk, rehearsal__isnull=False, rehearsal__finished_at=None).exists():
        raise CannotConfirm([problem_kinds.REHEARSING()])


def refuse_unready(by: User, draft: Transfer, plan: Plan) -> None:
    if not by.may(PERMISSION_TO_RUN[Kind(draft.kind)]):
        raise CannotConfirm([problem_kinds.PERSON_MAY_NOT(name=by.name)], plan)
    if refusals := [*filter(None, map(refusal_of, lock_undone(draft, plan)))]:
        raise CannotConfirm(refusals, plan)
    if not plan.ready:
        nothing = undo_kinds.NOBODY_SELECTED if draft.is_undo else problem_kinds.NOTHING_SELECTED
        raise CannotConfirm(plan.errors or [nothing()], plan)
    open_bulk = Transfer.objects.filter(tenant_id=draft.tenant_id, kind=Kind.BULK, state__in=OPEN)
    if draft.is_bulk and open_bulk.exists():
        raise CannotConfirm([problem_kinds.BULK_RUNNING()], plan)


def lock_undone(draft: Transfer, plan: Plan) -> list[Transfer]:
    """Lock the transfers that an undo takes back, with those of late arrivals, so that none is forgotten meanwhile."""
    if not draft.is_undo:
        return []
    undone = [pk for pair in plan.pairs if isinstance(pair, PlannedUndo) for pk in pair.undoes]
    late = TransferPair.objects.filter(pk__in=undone).values("transfer_id")
    transfers = Transfer.objects.filter(Q(pk=draft.undoes_id) | Q(pk__in=late))
    return list(transfers.order_by("pk").select_for_update())


def refuse_incomplete(plan: Plan, typed_count: int | None, ticked: Collection[str]) -> None:
    """Raise CannotConfirm if the person did not tick a warning that has to be ticked, or typed another number."""
    if missing := [warning for warning in plan.to_tick if warning.code not in ticked]:
        raise CannotConfirm([problem_kinds.NOT_TICKED(warning=warning.sentence) for warning in missing], plan)
    if typed_count != len(plan.pairs):
        typed = f"{typed_count:,}" if typed_count else "no number"
        raise CannotConfirm([problem_kinds.WRONG_NUMBER(typed=typed, count=len(plan.pairs))], plan)


def queue_transfer(draft: Transfer, plan: Plan) -> None:
    """Write the new state, the pairs and the participants in one transaction.

    Unique indexes decide which of several concurrent confirmations succeeds. The state is written first, so that the
    second of two bulk transfers with the same users is refused because a bulk transfer is open already, and not because
    its users are busy.
    """
    pairs = json.dumps(list(transfer_pairs(plan)))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            move(draft.pk, State.QUEUED, confirmed_at=timezone.now(), plan_hash=plan.hash)
            cursor.execute(CREATE_PAIRS, {"transfer": draft.pk, "pairs": pairs})
            cursor.execute(CREATE_PARTICIPANTS, {"transfer": draft.pk})
    except IntegrityError as error:
        is_bulk = "transfer_one_open_bulk" in str(error)
        raise CannotConfirm(
            [problem_kinds.BULK_RUNNING() if is_bulk else problem_kinds.BUSY_NOW()], plan
        ) from error


def transfer_pairs(plan: Plan) -> Iterable[dict[str, Any]]:
    for chunk, pair in with_chunk(plan.pairs):
        if pair.source is None or pair.target is None:
            raise CannotConfirm(plan.errors)
        yield {
            "row_number": pair.row_number,
            "source_id": pair.source.id,
            "target_id": pair.target.id,
            "source_name": pair.source.name,
            "target_name": pair.target.name,
            "warnings": [p.code for p in pair.problems if p.severity == Severity.WARNING],
            "weight": pair.weight,
            "chunk": chunk,
            "undoes": pair.undoes if isinstance(pair, PlannedUndo) else [],
        }


def with_chunk(pairs: Sequence[PlannedPair]) -> Iterable[tuple[int, PlannedPair]]:
    """Yield (chunk number, pair) for each pair. A pair with more rows than the limit gets its own chunk.

    Pairs that can be undone only together are in one chunk, even if it is larger than the limits.
    """
    chunk, members, rows = 0, 0, 0
    fits = len(pairs) <= CHUNK_PAIRS and sum(pair.weight for pair in pairs) <= CHUNK_ROWS
    units: Sequence[Sequence[PlannedPair]] = [pairs] if fits else units_of(pairs)
    for unit in units:
        weight = sum(pair.weight for pair in unit)
        if members and (members + len(unit) > CHUNK_PAIRS or rows + weight > CHUNK_ROWS):
            chunk, members, rows = chunk + 1, 0, 0
        members, rows = members + len(unit), rows + weight
        yield from ((chunk, pair) for pair in unit)


def record_refusal(by: User, transfer: Transfer, address: str | None, reason: str) -> None:
    record(
        "confirmation-refused",
        tenant_id=transfer.tenant_id,
        by=by,
        address=address,
        transfer_number=transfer.number,
        reason=reason[:500],
    )
