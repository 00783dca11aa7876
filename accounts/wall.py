"""The second wall: whose rows the database shows to the code that runs now.

The first wall is the scope predicate that every query carries (`accounts.scope`). The second is the database's own:
row-level security, which asks the setting `transfers.tenant`. Without a tenant nothing is there, so a query that
forgets whose rows it wants gets none. This module only says which tenant is meant; `accounts.postgresql` tells the
database, before each statement. Why so: `docs/decisions/second-wall.md`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

SETTING = "transfers.tenant"
NOBODY = ""
EVERYBODY = "*"

T = TypeVar("T")

_shown: ContextVar[str | None] = ContextVar("shown", default=None)
# What applies where no block says otherwise, in every thread. Only the tests change it, to make their worlds.
outside = NOBODY


def current() -> str:
    """The value the setting has to have: a tenant's id, `NOBODY` or `EVERYBODY`."""
    shown = _shown.get()
    return outside if shown is None else shown


@contextmanager
def showing(value: str) -> Iterator[None]:
    """For the length of the block; what applied before applies again afterwards, whatever happens in it."""
    before = _shown.get()
    _shown.set(value)
    try:
        yield
    finally:
        _shown.set(before)


@contextmanager
def tenant(tenant_id: int) -> Iterator[None]:
    """For the length of the block, or of the function it decorates: the rows of this tenant and no others."""
    with showing(str(int(tenant_id))):
        yield


@contextmanager
def every_tenant() -> Iterator[None]:
    """The rows of all tenants: to find out who somebody is, for the sweep, the housekeeping, the command line."""
    with showing(EVERYBODY):
        yield


def open_to_everybody() -> None:
    """For the rest of the block that is open: the rows of all tenants."""
    _shown.set(EVERYBODY)


def kept(parts: Iterable[T]) -> Iterator[T]:
    """The same parts, each made with the tenant that applies now: for what is streamed after the block has ended.

    Between two parts nothing is left behind in the thread that asks for them.
    """
    return parts_within(current(), iter(parts))


def parts_within(value: str, parts: Iterator[T]) -> Iterator[T]:
    while True:
        with showing(value):
            try:
                part = next(parts)
            except StopIteration:
                return
        yield part
