"""A faulty migration: it succeeds on an empty database and fails on one with data."""

from django.db import migrations

from tests.harness.upgrade.later import NEWEST


class Migration(migrations.Migration):
    dependencies = [NEWEST]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE transfers_transfer ADD COLUMN made_up integer NOT NULL",
            "ALTER TABLE transfers_transfer DROP COLUMN made_up",
        )
    ]
