"""The sign-in cache (used codes, attempt counters) in PostgreSQL, shared by all processes.

Django's database cache stores pickles, so write access to its table means code execution in the web process. Here a
value is JSON, signed together with its key with SECRET_KEY, which is not in the database. Values that this site did not
write under this key count as missing.
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
    """Stores JSON values only; a tuple comes back as a list."""

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
        """Return True in only one of two processes adding a key. As in Django's own, a database error gives False."""
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
    """The value as a list of one; an empty list when the signature is not ours or belongs to another key."""
    try:
        return list(signing.loads(text, salt=salt(key)))
    except signing.BadSignature:
        return []
