from django.db import migrations

from tests.harness.upgrade.later import NEWEST


class Migration(migrations.Migration):
    dependencies = [NEWEST]
    operations = [migrations.RunSQL("ALTER TABLE transfers_transfer ADD COLUMN made_up integer")]
