"""As a careful one would be: a column that may be empty, filled in, and there is a way back."""

from django.db import migrations, models

from tests.upgrade.later import NEWEST


class Migration(migrations.Migration):
    dependencies = [NEWEST]
    operations = [
        migrations.AddField("Transfer", "made_up", models.IntegerField(null=True)),
        migrations.RunSQL("UPDATE transfers_transfer SET made_up = version", migrations.RunSQL.noop),
    ]
