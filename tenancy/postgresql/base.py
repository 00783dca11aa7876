"""Sets the tenant on the connection before each statement, if it differs from the tenant set last.

A connection kept from an earlier request, or taken from a pool, therefore cannot carry another tenant's setting. A
rollback also reverts the setting, to a value that is not known here, so the next statement sends it again.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from psycopg import sql
from psycopg.pq import TransactionStatus

from tenancy.context import TENANT_SETTING, current_setting

SET_TENANT = "SELECT set_config(%s, %s, false)"
# ALTER ROLE, ALTER DATABASE and postgresql.conf may set other values, with which statements fail or mean something
# else. The usual search path is not set but checked (`tenancy.checks`), because the tables may be in any schema.
SESSION_SETTINGS = {
    # JIT can spend seconds compiling a statement that then runs for milliseconds.
    "jit": "off",
    "row_security": "on",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "extra_float_digits": "1",
    "xmloption": "content",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
}
USUAL_SCHEMA = "public"


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that carries the current tenant. `tenant_set` is the setting sent last; None if unknown."""

    tenant_set: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(self.set_tenant_before_statement)

    def init_connection_state(self) -> None:
        self.tenant_set = None
        super().init_connection_state()
        self.set_session()

    def set_session(self) -> None:
        """Set SESSION_SETTINGS and the search path.

        With a schema of its own (APP_SCHEMA), the site finds no table of another schema without its schema's name: the
        tables of another program may have the same names, such as django_migrations.

        This is a statement and not part of `options`, because a pooler may reject options that it does not know.
        """
        path = {}
        if settings.APP_SCHEMA != USUAL_SCHEMA:
            path["search_path"] = sql.Identifier(settings.APP_SCHEMA).as_string(None)
        chosen = SESSION_SETTINGS | path
        statement = f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(chosen))}"  # nosec B608
        with self.wrap_database_errors:
            self.connection.execute(statement, [word for setting in chosen.items() for word in setting])
            if not self.get_autocommit():
                self.connection.commit()

    def set_tenant_before_statement(
        self, execute: Callable[..., Any], statement: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        self.set_tenant(current_setting())
        return execute(statement, params, many, context)

    def set_tenant(self, tenant: str) -> None:
        """Send the tenant setting, unless it was the last one sent.

        Does nothing in a failed transaction, because PostgreSQL rejects every statement until the rollback.
        """
        if tenant == self.tenant_set or self.connection.info.transaction_status == TransactionStatus.INERROR:
            return
        with self.wrap_database_errors:
            self.connection.execute(SET_TENANT, [TENANT_SETTING, tenant])
        self.tenant_set = tenant

    def _rollback(self) -> None:
        self.tenant_set = None
        super()._rollback()  # type: ignore[misc]  # unknown to django-stubs

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]  # unknown to django-stubs
        self.tenant_set = None
