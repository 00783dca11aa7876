from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("transfers", "0001_first")]
    operations = [migrations.RunSQL("ALTER TABLE transfers_transfer ADD COLUMN made_up integer")]
