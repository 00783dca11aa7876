"""A faulty migration: reverting it does not undo its change."""

from django.db import migrations

from tests.harness.upgrade.later import NEWEST


class Migration(migrations.Migration):
    dependencies = [NEWEST]
    operations = [
        migrations.RunSQL(
            "UPDATE transfers_transfer SET file_name = upper(file_name)", migrations.RunSQL.noop
        )
    ]
