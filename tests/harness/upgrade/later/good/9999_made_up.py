"""A correct migration: it adds a nullable column, fills it, and can be reverted."""

from django.db import migrations, models

from tests.harness.upgrade.later import NEWEST


class Migration(migrations.Migration):
    dependencies = [NEWEST]
    operations = [
        migrations.AddField("Transfer", "made_up", models.IntegerField(null=True)),
        migrations.RunSQL("UPDATE transfers_transfer SET made_up = version", migrations.RunSQL.noop),
    ]
