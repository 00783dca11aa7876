"""Rows are named by their place, so a table whose rows lie in several places is refused before anything runs."""

import pytest
from django.core.checks import run_checks
from django.db import connection

pytestmark = pytest.mark.django_db

INHERITING = "CREATE TABLE older_calls () INHERITS (quality_ccr)"
PARTITIONED = """
ALTER TABLE quality_archiveaudit RENAME TO all_in_one;
CREATE TABLE quality_archiveaudit (LIKE all_in_one) PARTITION BY RANGE (occurred_at)
"""


def found() -> list[str]:
    return [message.msg for message in run_checks(databases=["default"]) if message.id == "transfers.E104"]


def test_the_tables_that_come_with_the_product_are_ordinary() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("change", "table"), [(INHERITING, "quality_ccr"), (PARTITIONED, "quality_archiveaudit")]
)
def test_a_table_in_several_parts_stops_the_start(change: str, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(change)
    (message,) = found()
    assert table in message
