"""Before each statement the connection is told whose rows it may show, unless it knows already.

So a connection that was kept from an earlier request, or comes out of a pool, cannot carry somebody else's tenant on:
what it carries is compared, and not remembered. A rollback takes the setting back too, to a value that nobody has
noted; it counts as unknown then, and is said anew.
"""

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from accounts import wall

SAY = "SELECT set_config(%s, %s, false)"
WITHOUT_JIT = "SET jit = off"


class DatabaseWrapper(base.DatabaseWrapper):
    """`shown`: the tenant this connection was told last; None when that is not known."""

    shown: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(self.behind_the_wall)

    def init_connection_state(self) -> None:
        self.shown = None
        super().init_connection_state()
        self.go_without_jit()

    def go_without_jit(self) -> None:
        """PostgreSQL by default compiles statements that it thinks dear: for seconds, when they then take milliseconds.

        Not by `options`: a pooler may refuse what it does not know of those.
        """
        with self.wrap_database_errors:
            self.connection.execute(WITHOUT_JIT)
            if not self.get_autocommit():
                self.connection.commit()

    def behind_the_wall(
        self, execute: Callable[..., Any], statement: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        self.show(wall.current())
        return execute(statement, params, many, context)

    def show(self, tenant: str) -> None:
        """In a transaction that has failed nothing can be said, and nothing but its end is listened to."""
        if tenant == self.shown or self.connection.info.transaction_status == TransactionStatus.INERROR:
            return
        with self.wrap_database_errors:
            self.connection.execute(SAY, [wall.SETTING, tenant])
        self.shown = tenant

    def _rollback(self) -> None:
        self.shown = None
        super()._rollback()  # type: ignore[misc]  # which django-stubs does not know

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]  # nor this one
        self.shown = None
