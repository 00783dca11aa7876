"""What the tests of the audit chain share: statements on its tables, and what the verification finds."""

from collections.abc import Callable

from django.db import connection, transaction

from audit.verification import verify
from tests.fixtures.cast import Cast

Tamper = Callable[[str], None]


def wrong(cast: Cast) -> str:
    return verify(cast.abacus.pk).wrong


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


INSERT_BACK_DATED = """
INSERT INTO audit_auditevent (id, tenant_id, at, kind, actor_name, details)
VALUES (-5, {tenant}, '2020-01-01', 'signed-in', 'Ada Admin', '{{}}')
"""
