"""What migrations of a site in use need beside Django's own operations."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently

# Is the index of this name whole? No row where there is none.
IS_WHOLE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(quote_ident(%s))"


class AddIndexPatiently(AddIndexConcurrently):
    """Django's AddIndexConcurrently, which may be broken off and repeated, and waits as long as it takes.

    The build waits for every transaction that was open when it began: longer than `migrate` lets anything wait, and
    without harm, because who reads or writes does not wait behind it. Broken off, it leaves an index that is not valid,
    which has to go before the next try; one that is whole was built by a try that ended after it.

    Like Django's it stands in a migration with `atomic = False`.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        with patience(schema_editor.connection):
            whole = is_whole(schema_editor.connection, self.index.name)
            if whole is False:
                super().database_backwards(app_label, schema_editor, to_state, from_state)
            if not whole:
                super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        with patience(schema_editor.connection):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


@contextmanager
def patience(connection: Any) -> Iterator[None]:
    """Within the block no wait for a lock is given up."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        limit = cursor.fetchone()[0]
        cursor.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [limit])


def is_whole(connection: Any, name: str) -> bool | None:
    """None where there is no such index."""
    with connection.cursor() as cursor:
        cursor.execute(IS_WHOLE, [name])
        found = cursor.fetchone()
    return found[0] if found else None
