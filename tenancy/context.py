"""The current tenant, whose rows the database shows to the code that is running.

Tenants are isolated in two ways. Every query is limited to the tenant by `accounts.scope`, and PostgreSQL's row-level
security compares each row with the setting `transfers.tenant`. Without a tenant no row is visible, so code that forgets
to set the tenant finds nothing. This module only holds the current value; `tenancy.postgresql` sends it to the database
before each statement. Reasons: `docs/decisions/row-level-security.md`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

TENANT_SETTING = "transfers.tenant"
NO_TENANT = ""
ALL_TENANTS = "*"

T = TypeVar("T")

_setting: ContextVar[str | None] = ContextVar("tenant_setting", default=None)
# The setting outside all context blocks, in every thread. Only tests and benchmarks change it, to create their data.
outside = NO_TENANT


def current_setting() -> str:
    """Return the value for `TENANT_SETTING`: a tenant's id, `NO_TENANT` or `ALL_TENANTS`."""
    value = _setting.get()
    return outside if value is None else value


@contextmanager
def setting_context(value: str) -> Iterator[None]:
    """Use `value` within the block, and restore the previous value when the block ends or raises."""
    before = _setting.get()
    _setting.set(value)
    try:
        yield
    finally:
        _setting.set(before)


@contextmanager
def tenant_context(tenant_id: int) -> Iterator[None]:
    """Show only the rows of this tenant, within the block or the decorated function."""
    with setting_context(str(int(tenant_id))):
        yield


@contextmanager
def all_tenants_context() -> Iterator[None]:
    """Show the rows of all tenants, within the block or the decorated function.

    Used to identify users, and by code that works on all tenants, such as the recovery sweep and housekeeping.
    """
    with setting_context(ALL_TENANTS):
        yield


def widen_to_all_tenants() -> None:
    """Show the rows of all tenants for the rest of the current block."""
    _setting.set(ALL_TENANTS)


def keep_context(parts: Iterable[T]) -> Iterator[T]:
    """Return an iterator that produces each part of streamed content with the tenant setting current at this call.

    Content is streamed after the block has ended. The setting applies only while a part is produced, so it does not
    leak into the consuming thread between parts.
    """
    return parts_within(current_setting(), iter(parts))


def parts_within(value: str, parts: Iterator[T]) -> Iterator[T]:
    while True:
        with setting_context(value):
            try:
                part = next(parts)
            except StopIteration:
                return
        yield part
