"""The sign-in cache (used codes, attempt counters) in PostgreSQL, shared by all processes.

Django's database cache stores pickles, so anyone who can write to its table can run code in the web process. Here each
value is stored as JSON and signed, together with its cache key, with SECRET_KEY, which is not in the database. A value
that this site did not write under that cache key counts as missing.
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
    """Stores only JSON values, so a tuple is read back as a list."""

    # Attributes of Django's base class that its stubs lack.
    _table: str
    _cull: Callable[..., None]

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        names = {self.make_and_validate_key(key, version=version): key for key in keys}
        with connection.cursor() as cursor:
            cursor.execute(self.statement(READ), {"keys": list(names), "now": timezone.now()})
            rows = cursor.fetchall()
        found = ((name, verified_values(name, text)) for name, text in rows)
        return {names[name]: values[0] for name, values in found if values}

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        """Return whether the value was written. If two processes add the same key, only one of them gets True.

        Returns False after a database error too, as Django does.
        """
        values = {
            "key": key,
            "value": signing.dumps([value], salt=salt(key)),
            "until": self.get_backend_timeout(timeout),
            "now": timezone.now(),
        }
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                self.cull_if_full(cursor)
                cursor.execute(self.statement(WRITES[mode]), values)
                return bool(cursor.rowcount)
        except DatabaseError:
            return False

    def cull_if_full(self, cursor: Any) -> None:
        cursor.execute(self.statement("SELECT count(*) FROM {table}"))
        (amount,) = cursor.fetchone()
        if amount > self._max_entries:
            self._cull(connection.alias, cursor, timezone.now(), amount)

    def statement(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(table=sql.Identifier(self._table))


def salt(key: str) -> str:
    return f"accounts.signing_in.sessions.signed_cache {key}"


def verified_values(key: str, text: str) -> list[Any]:
    """Return the value in a list, or [] if the signature is not valid for this cache key."""
    try:
        return list(signing.loads(text, salt=salt(key)))
    except signing.BadSignature:
        return []
