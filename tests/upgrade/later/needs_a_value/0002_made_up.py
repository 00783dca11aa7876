"""Passes on an empty database and fails on one that is in use."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("transfers", "0001_first")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE transfers_transfer ADD COLUMN made_up integer NOT NULL",
            "ALTER TABLE transfers_transfer DROP COLUMN made_up",
        )
    ]
