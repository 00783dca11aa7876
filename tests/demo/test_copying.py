"""Demo rows are also written to tables in other schemas, whose name a model gives with quotation marks."""

from unittest.mock import patch

import pytest
from django.db import connection

from accounts.models import Team
from demo.records.copying import copy, finish
from tenancy.models import Tenant
from tests.fixtures.roles import as_owner


@pytest.mark.parametrize("db_table", ['Suite 2"."All Teams', '"Suite 2"."All Teams"'])
def test_rows_of_a_table_in_another_schema(db: None, db_table: str) -> None:
    here = Tenant.objects.create(name="Here")
    with as_owner(), connection.cursor() as cursor:
        cursor.execute('CREATE SCHEMA "Suite 2"; CREATE TABLE "Suite 2"."All Teams" (LIKE accounts_team)')
        with patch.object(Team._meta, "db_table", db_table):
            row = {field.attname: None for field in Team._meta.concrete_fields}
            assert copy(Team, [{**row, "id": 7, "tenant_id": here.pk, "name": "Night"}]) == 1
            finish([Team])
        cursor.execute('SELECT id, name FROM "Suite 2"."All Teams"')
        assert cursor.fetchall() == [(7, "Night")]
