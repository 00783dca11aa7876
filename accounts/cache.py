"""The cache of sign-in - which codes were used, how often something was tried - in PostgreSQL, seen by every process.

Django's own keeps pickles, and to read one is to run what it says: whoever can write to the table could run code in the
web process. Here a value is JSON that is signed, together with its key, with the SECRET_KEY, which is not in the
database. Whatever the site did not write itself, under this very key, is not there.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.core import signing
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from psycopg import sql

READ = "SELECT cache_key, value FROM {table} WHERE cache_key = ANY(%(keys)s) AND expires > %(now)s"
UNTIL = "coalesce(to_timestamp(%(until)s), 'infinity')"
TOUCH = f"UPDATE {{table}} SET expires = {UNTIL} WHERE cache_key = %(key)s AND expires > %(now)s"  # noqa: S608  # nosec B608
SET = f"""
INSERT INTO {{table}} AS kept (cache_key, value, expires) VALUES (%(key)s, %(value)s, {UNTIL})
ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires
"""  # noqa: S608  # nosec B608
WRITES = {"touch": TOUCH, "set": SET, "add": f"{SET} WHERE kept.expires <= %(now)s"}


class SignedCache(DatabaseCache):
    """Holds what JSON does: numbers, texts, booleans, None, lists and dicts of them; a tuple comes back as a list."""

    # What Django's own has, and its stubs do not know.
    _table: str
    _cull: Callable[..., None]

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        names = {self.make_and_validate_key(key, version=version): key for key in keys}
        with connection.cursor() as cursor:
            cursor.execute(self.statement(READ), {"keys": list(names), "now": timezone.now()})
            rows = cursor.fetchall()
        found = ((name, signed_by_us(name, text)) for name, text in rows)
        return {names[name]: values[0] for name, values in found if values}

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        """Of two processes that add a key one is told True. Django's own says False where nothing can be written."""
        values = {
            "key": key,
            "value": signing.dumps([value], salt=salt(key)),
            "until": self.get_backend_timeout(timeout),
            "now": timezone.now(),
        }
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                self.make_room(cursor)
                cursor.execute(self.statement(WRITES[mode]), values)
                return bool(cursor.rowcount)
        except DatabaseError:
            return False

    def make_room(self, cursor: Any) -> None:
        cursor.execute(self.statement("SELECT count(*) FROM {table}"))
        (amount,) = cursor.fetchone()
        if amount > self._max_entries:
            self._cull(connection.alias, cursor, timezone.now(), amount)

    def statement(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(table=sql.Identifier(self._table))


def salt(key: str) -> str:
    return f"accounts.cache {key}"


def signed_by_us(key: str, text: str) -> list[Any]:
    """The value, alone in a list; an empty list for what somebody else wrote, or we under another key."""
    try:
        return list(signing.loads(text, salt=salt(key)))
    except signing.BadSignature:
        return []
