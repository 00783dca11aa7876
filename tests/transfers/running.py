"""Shortcuts for tests that run transfers in this process, through the same actions as a page."""

import io

from accounts.models import User
from transfers import actions
from transfers.engine.worker import work_on
from transfers.models import Transfer
from transfers.plan import plan_of

Cell = User | int | str  # of a file: a user stands for their id


def people_csv(*pairs: tuple[Cell, Cell]) -> io.BytesIO:
    """A people.csv with just these pairs, from row 2 on."""
    lines = ["From User ID,To User ID", *(f"{cell(source)},{cell(target)}" for source, target in pairs)]
    return io.BytesIO("\r\n".join(lines).encode())


def cell(user: Cell) -> str:
    return str(user.pk if isinstance(user, User) else user)


def upload(by: User, *pairs: tuple[Cell, Cell]) -> Transfer:
    return actions.upload(by=by, file_name="people.csv", stream=people_csv(*pairs))


def confirm(draft: Transfer, by: User) -> Transfer:
    plan = plan_of(draft, by)
    return actions.confirm(by=by, transfer=draft, plan_hash=plan.hash, typed_count=len(plan.pairs))


def run_single(by: User, source: User, target: User) -> Transfer:
    """One pair, from the form to its end."""
    draft = actions.start_single(by=by, source_id=source.pk, target_id=target.pk)
    return run(confirm(draft, by))


def run_bulk(by: User, *pairs: tuple[User, User]) -> Transfer:
    return run(confirm(upload(by, *pairs), by))


def run(transfer: Transfer) -> Transfer:
    """Work on a confirmed transfer until it has ended."""
    while work_on(transfer.pk):
        pass
    transfer.refresh_from_db()
    return transfer
