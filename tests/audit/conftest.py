"""Sealed events, and a function that tampers with them."""

import pytest
from django.db import connection

from audit import chain
from audit.chain import seal_all
from audit.log import record
from audit.models import AuditEvent
from tests.audit.tampering import Tamper
from tests.fixtures.cast import Cast


@pytest.fixture
def sealed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of seven events of Abacus in three seals. An event of the tenant Foreign follows the fourth."""
    monkeypatch.setattr(chain, "LARGEST_SEAL", 3)
    for number in range(7):
        record("row-cleared", tenant_id=cast.abacus.pk, by=cast.ada, address="127.0.0.1", row=number)
        if number == 3:
            record("signed-in", tenant_id=cast.foreign.pk, by=cast.frida)
    assert seal_all() == 8
    return list(
        AuditEvent.objects.filter(tenant_id=cast.abacus.pk).order_by("id").values_list("pk", flat=True)
    )


@pytest.fixture
def tamper(sealed: list[int], as_owner: None) -> Tamper:
    """A function that runs a statement with triggers disabled, as only a superuser can."""

    def run(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(statement)
            cursor.execute("SET LOCAL session_replication_role = origin")

    return run
