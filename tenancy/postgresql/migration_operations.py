"""Migration operations for tables in use, in addition to Django's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently

# Whether the index is valid. Returns no row if the index does not exist.
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(quote_ident(%s))"


class AddIndexPatiently(AddIndexConcurrently):
    """Django's AddIndexConcurrently without a lock timeout, and safe to interrupt and repeat.

    The build waits for every transaction that was open when it began. That may exceed the lock timeout of `migrate`,
    but does no harm, because readers and writers do not queue behind it. An interrupted build leaves an invalid index,
    which is dropped before the next attempt. An attempt interrupted after the build leaves a valid index, which is
    kept.

    Requires `atomic = False` in the migration, as Django's operation does.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        with without_lock_timeout(schema_editor.connection):
            valid = is_valid_index(schema_editor.connection, self.index.name)
            if valid is False:
                super().database_backwards(app_label, schema_editor, to_state, from_state)
            if not valid:
                super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        with without_lock_timeout(schema_editor.connection):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


@contextmanager
def without_lock_timeout(connection: Any) -> Iterator[None]:
    """Turn off the lock timeout of this session within the block."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        limit = cursor.fetchone()[0]
        cursor.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [limit])


def is_valid_index(connection: Any, name: str) -> bool | None:
    """Return whether the index is valid; None if it does not exist."""
    with connection.cursor() as cursor:
        cursor.execute(IS_VALID, [name])
        found = cursor.fetchone()
    return found[0] if found else None
