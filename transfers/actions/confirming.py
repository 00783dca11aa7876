"""The confirmation: from a draft to a transfer that will run. The point of no return, so everything is asked again."""

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from transfers import tasks
from transfers.audit import record
from transfers.models import Kind, Participant, State, Transfer, TransferPair
from transfers.models.transfer import OPEN, PERMISSION_TO_RUN, move
from transfers.plan import Plan, PlannedPair, plan_of
from transfers.problems import Problem, Severity
from transfers.validation import kinds

# A chunk is committed as a whole. So many pairs keep the number of statements low, so many rows keep a commit short.
CHUNK_PAIRS = 250
CHUNK_ROWS = 100_000
BATCH = 5000  # rows a statement: more than a transfer can have


class CannotConfirm(Exception):
    """The transfer cannot start; `problems` say why and what to do. `plan`: what would happen, where it was counted."""

    def __init__(self, problems: Sequence[Problem], plan: Plan | None = None) -> None:
        self.problems = list(problems)
        self.plan = plan
        super().__init__(" ".join(problem.sentence for problem in problems))


class PlanChanged(Exception):
    """What would happen is not what was shown; `plan` is what would happen now."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__("What would happen has changed since it was shown.")


def confirm(
    *,
    by: User,
    transfer: Transfer,
    plan_hash: str,
    typed_count: int | None = None,
    address: str | None = None,
) -> Transfer:
    """Start a draft. Sent twice, it starts once: a transfer that was confirmed already is simply returned.

    plan_hash: of the plan the person was shown. typed_count: for a bulk transfer, the number of pairs, typed.
    Raises `PlanChanged` or `CannotConfirm`; nothing has happened then but an audit event.
    """
    try:
        with transaction.atomic():
            return start(by, transfer.pk, plan_hash, typed_count, address)
    except CannotConfirm as refused:
        note_refusal(by, transfer, address, str(refused))
        raise
    except PlanChanged as changed:
        note_refusal(by, transfer, address, str(changed))
        raise


def start(
    by: User, transfer_id: int, plan_hash: str, typed_count: int | None, address: str | None
) -> Transfer:
    draft = Transfer.objects.select_for_update().get(pk=transfer_id)
    if draft.state == State.DISCARDED:
        raise CannotConfirm([kinds.NOT_A_DRAFT()])
    if draft.state != State.DRAFT:
        return draft
    plan = plan_of(draft, by)
    refuse_unready(by, draft, plan)
    if plan.hash != plan_hash:
        raise PlanChanged(plan)
    if draft.is_bulk and typed_count != len(plan.pairs):
        raise CannotConfirm([kinds.WRONG_NUMBER(count=len(plan.pairs))], plan)
    queue(draft, plan)
    record(
        "transfer-confirmed",
        tenant_id=draft.tenant_id,
        by=by,
        address=address,
        transfer_id=draft.pk,
        pairs=len(plan.pairs),
        combined=plan.totals.combined,
        deleted=plan.totals.deleted,
        plan_hash=plan.hash,
    )
    transaction.on_commit(lambda: tasks.wake(transfer_id), robust=True)
    draft.refresh_from_db()
    return draft


def refuse_unready(by: User, draft: Transfer, plan: Plan) -> None:
    person = User.objects.get(pk=by.pk)
    if not person.may(PERMISSION_TO_RUN[Kind(draft.kind)]):
        raise CannotConfirm([kinds.PERSON_MAY_NOT(name=person.name)], plan)
    if not plan.ready:
        raise CannotConfirm(plan.errors or [kinds.NOTHING_SELECTED()], plan)
    if draft.is_bulk and another_bulk(draft):
        raise CannotConfirm([kinds.BULK_RUNNING()], plan)


def another_bulk(draft: Transfer) -> bool:
    return Transfer.objects.filter(tenant_id=draft.tenant_id, kind=Kind.BULK, state__in=OPEN).exists()


def queue(draft: Transfer, plan: Plan) -> None:
    """The move, the pairs and the participants, all or nothing; the unique indexes decide between two at once.

    The move goes first, so that of two bulks with the same users the second is told of the bulk.
    """
    participants = [Participant(user_id=user, transfer=draft) for user in sorted(users_of(plan))]
    try:
        with transaction.atomic():
            move(draft.pk, State.QUEUED, confirmed_at=timezone.now(), plan_hash=plan.hash)
            TransferPair.objects.bulk_create(pairs_of(draft, plan), batch_size=BATCH)
            Participant.objects.bulk_create(participants, batch_size=BATCH)
    except IntegrityError as error:
        is_bulk = "transfer_one_open_bulk" in str(error)
        raise CannotConfirm([kinds.BULK_RUNNING() if is_bulk else kinds.BUSY_NOW()], plan) from error


def users_of(plan: Plan) -> set[int]:
    return {user.id for pair in plan.pairs for user in (pair.source, pair.target) if user}


def pairs_of(draft: Transfer, plan: Plan) -> Iterable[TransferPair]:
    for chunk, pair in chunked(plan.pairs):
        if pair.source is None or pair.target is None:
            raise CannotConfirm(plan.errors)
        yield TransferPair(
            transfer=draft,
            row_number=pair.row_number,
            source_id=pair.source.id,
            target_id=pair.target.id,
            source_name=pair.source.name,
            target_name=pair.target.name,
            warnings=[p.code for p in pair.problems if p.severity == Severity.WARNING],
            weight=pair.weight,
            chunk=chunk,
        )


def chunked(pairs: Sequence[PlannedPair]) -> Iterable[tuple[int, PlannedPair]]:
    """Each pair with the number of its chunk; a pair that alone is too heavy has a chunk to itself."""
    chunk, members, rows = 0, 0, 0
    for pair in pairs:
        if members and (members == CHUNK_PAIRS or rows + pair.weight > CHUNK_ROWS):
            chunk, members, rows = chunk + 1, 0, 0
        members, rows = members + 1, rows + pair.weight
        yield chunk, pair


def note_refusal(by: User, transfer: Transfer, address: str | None, reason: str) -> None:
    record(
        "confirmation-refused",
        tenant_id=transfer.tenant_id,
        by=by,
        address=address,
        transfer_id=transfer.pk,
        reason=reason[:500],
    )
