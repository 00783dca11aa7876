"""The way back forgets what the way there did."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("transfers", "0001_first")]
    operations = [
        migrations.RunSQL(
            "UPDATE transfers_transfer SET file_name = upper(file_name)", migrations.RunSQL.noop
        )
    ]
