from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("transfers", "0001_first")]
    operations = [migrations.RunSQL("DELETE FROM transfers_discardedrow", migrations.RunSQL.noop)]
