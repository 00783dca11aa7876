from django.db import migrations

from tests.harness.upgrade.later import NEWEST


class Migration(migrations.Migration):
    dependencies = [NEWEST]
    operations = [migrations.RunSQL("DELETE FROM transfers_journalentry", migrations.RunSQL.noop)]
