from typing import Any, ClassVar

from django.apps import apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make_tables(_: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for model in apps.get_app_config("smallapp").get_models():
        if model._meta.managed:
            schema_editor.create_model(model)


class Migration(migrations.Migration):
    """Create the tables directly from the models: an operation per table would cost every test run ten seconds.

    Also creates a key that no model declares, and the table of another system.
    """

    initial = True
    dependencies: ClassVar = [("accounts", "0001_first")]
    operations: ClassVar = [
        migrations.RunPython(make_tables, migrations.RunPython.noop),
        migrations.RunSQL("CREATE UNIQUE INDEX hidden_once ON smallapp_hidden (owner_id, k)"),
        migrations.RunSQL(
            'CREATE TABLE "other_system records" ('
            ' rec_no bigserial PRIMARY KEY, "AGENT_NO" bigint NOT NULL, code varchar(10) NOT NULL,'
            ' UNIQUE ("AGENT_NO", code))'
        ),
    ]
