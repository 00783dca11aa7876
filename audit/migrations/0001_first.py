from pathlib import Path

import django.contrib.postgres.fields
import django.db.models.functions.datetime
import django.db.models.lookups
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models
from psycopg import sql

from audit.details import AnyDetails

# The function by which pgtrigger can be told to skip a trigger is in the schema of these tables.
IGNORE = f"{sql.Identifier(settings.APP_SCHEMA).as_string(None)}._pgtrigger_should_ignore"

# The triggers and functions that protect the audit log. Reversing the migration drops them explicitly, because dropping
# the tables would leave the functions.
PROTECT_AUDIT = (Path(__file__).parent / "0001_audit.sql").read_text()
IN_THE_SCHEMA = f"""
DO $migration$ BEGIN
    EXECUTE replace($text${PROTECT_AUDIT}$text$, '@schema@', quote_ident(current_schema()));
END $migration$
"""
UNPROTECT_AUDIT = """
DROP FUNCTION audit_seal(bigint, integer);
DROP FUNCTION audit_wait() CASCADE;
DROP FUNCTION audit_stamp() CASCADE;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tenant_id", models.BigIntegerField()),
                ("number", models.PositiveIntegerField()),
                ("sealed_at", models.DateTimeField()),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "digests",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BinaryField(), size=None),
                ),
                ("digest", models.BinaryField()),
            ],
            options={
                "ordering": ("number",),
            },
        ),
        migrations.CreateModel(
            name="AuditWaiting",
            fields=[
                ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("tenant_id", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tenant_id", models.BigIntegerField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("kind", models.CharField(max_length=40)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_name", models.CharField(blank=True, max_length=310)),
                ("address", models.GenericIPAddressField(null=True)),
                ("transfer_number", models.PositiveBigIntegerField(null=True)),
                ("pair_id", models.BigIntegerField(null=True)),
                ("details", models.JSONField(decoder=AnyDetails, default=dict)),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(models.F("tenant_id"), models.F("id"), name="audit_by_tenant"),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("transfer_number"),
                        models.F("id"),
                        name="audit_by_transfer",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("id"),
                        condition=models.Q(("kind", "audit-verified")),
                        name="audit_verifications",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    ignore_func_name=IGNORE,
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_00dfa",
                    table="audit_auditevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditevent",
            trigger=pgtrigger.compiler.Trigger(
                name="never_emptied",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'The table % can only be added to.', TG_TABLE_NAME;",
                    ignore_func_name=IGNORE,
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_emptied_d674d",
                    table="audit_auditevent",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="auditseal",
            constraint=models.UniqueConstraint(
                models.F("tenant_id"), models.F("number"), name="audit_seal_number_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="auditseal",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.GreaterThan(
                    models.Func(
                        models.F("events"), function="cardinality", output_field=models.IntegerField()
                    ),
                    0,
                ),
                name="audit_seal_holds_events",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditseal",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    models.Func(
                        models.F("events"), function="cardinality", output_field=models.IntegerField()
                    ),
                    models.Func(
                        models.F("digests"), function="cardinality", output_field=models.IntegerField()
                    ),
                ),
                name="audit_seal_digest_of_each",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditseal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    django.db.models.lookups.IsNull(
                        models.Func(
                            models.F("events"),
                            models.Value(None),
                            function="array_position",
                            output_field=models.IntegerField(null=True),
                        ),
                        True,
                    ),
                    django.db.models.lookups.IsNull(
                        models.Func(
                            models.F("digests"),
                            models.Value(None),
                            function="array_position",
                            output_field=models.IntegerField(null=True),
                        ),
                        True,
                    ),
                ),
                name="audit_seal_no_gaps",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditseal",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    ignore_func_name=IGNORE,
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_3a3ab",
                    table="audit_auditseal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditseal",
            trigger=pgtrigger.compiler.Trigger(
                name="never_emptied",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'The table % can only be added to.', TG_TABLE_NAME;",
                    ignore_func_name=IGNORE,
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_never_emptied_11b17",
                    table="audit_auditseal",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="auditwaiting",
            index=models.Index(models.F("tenant_id"), models.F("event_id"), name="audit_waiting_by_tenant"),
        ),
        migrations.RunSQL(IN_THE_SCHEMA, UNPROTECT_AUDIT),
    ]
