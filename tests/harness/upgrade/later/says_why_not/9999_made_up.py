"""A correct migration that cannot be reverted, and that states the reason."""

from django.db import migrations

from tests.harness.upgrade.later import NEWEST


class Migration(migrations.Migration):
    dependencies = [NEWEST]
    irreversible_because = "it is made up"
    operations = [migrations.RunSQL("ALTER TABLE transfers_transfer ADD COLUMN made_up integer")]
