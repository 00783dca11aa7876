from pathlib import Path
from typing import ClassVar

from django.db import migrations

TABLES = Path(__file__).resolve().parents[1] / "tables.sql"


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar = [("accounts", "0001_first")]
    operations: ClassVar = [migrations.RunSQL(TABLES.read_text())]
