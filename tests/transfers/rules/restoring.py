"""Undo a transfer by the product, and read tables as PostgreSQL prints them, to show that everything is as before."""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from psycopg import sql

from tests.transfers.rules.running import models_of, undo_all
from transfers.models import PairState
from transfers.rules import DataType


def execute(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def restore(*transfer_ids: int) -> None:
    """Undo all pairs of the transfer, and those of later transfers of late arrivals with it."""
    failed = [(pair, pair.reason) for pair in undo_all(*transfer_ids) if pair.state != PairState.SUCCEEDED]
    assert not failed, failed


def rows_as_text(types: Iterable[DataType]) -> dict[str, list[str]]:
    """Return the rows of the types' tables and their child tables as PostgreSQL prints them, sorted."""
    found = {}
    with connection.cursor() as cursor:
        for model in models_of(types):
            table = sql.Identifier(model._meta.db_table)
            cursor.execute(sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(table).as_string(None))
            found[model._meta.db_table] = [row for (row,) in cursor.fetchall()]
    return found
