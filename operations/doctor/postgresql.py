"""PostgreSQL: version, clock, role, migrations, indexes, pool, time-outs and room for connections."""

import time
from collections.abc import Iterator
from typing import Any, cast

import psycopg
from django.conf import settings
from django.core.checks import ERROR, WARNING, Tags, run_checks
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.utils import timezone

from accounts.postgresql.away import DatabaseAway, telling_when_away
from operations import fingerprints, health
from operations.doctor.findings import Finding, look, ok, wrong

OLDEST = 15
SLOW, CLOCKS_APART = 5.0, 2.0  # milliseconds, seconds
CROWDED = 0.8
LONGEST_SILENCE = 60  # seconds


def unreachable() -> Finding:
    return wrong(
        "PostgreSQL",
        "cannot be reached.",
        "Look at DATABASE_URL, at the server, and at what is between (firewall, pg_hba.conf).",
    )


def findings() -> Iterator[Finding]:
    yield version()
    yield round_trip()
    yield clock()
    yield role()
    yield migrations()
    yield from keys_and_indexes()
    yield from broken_indexes()
    yield pool()
    yield from time_outs()
    yield dead_peers()
    yield room()
    yield long_transactions()


def row(statement: str, parameters: list[Any] | None = None) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone() or ()


def version() -> Finding:
    number = cast(DatabaseWrapper, connection).pg_version
    if number < OLDEST * 10_000:
        return wrong("PostgreSQL", f"is version {number // 10_000}.", f"Version {OLDEST} or newer is needed.")
    return ok("PostgreSQL", f"version {number // 10_000}.{number % 10_000}.")


def round_trip() -> Finding:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        row("SELECT 1")
        times.append((time.perf_counter() - began) * 1000)
    middle = sorted(times)[2]
    if middle > SLOW:
        do = "Put web server and workers near the database: a page takes some 10 queries, a chunk some 110."
        return look("round trip", f"{middle:.1f} ms to the database.", do)
    return ok("round trip", f"{middle:.2f} ms to the database.")


def clock() -> Finding:
    there = row("SELECT clock_timestamp()")[0]
    apart = abs((timezone.now() - there).total_seconds())
    if apart > CLOCKS_APART:
        do = "Set both by NTP. Nothing breaks by it, but times on pages and in the audit log differ."
        return look("clock", f"this machine and the database are {apart:.1f} s apart.", do)
    return ok("clock", f"{apart:.2f} s between this machine and the database.")


def role() -> Finding:
    name, is_super, bypasses = row(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    if (is_super or bypasses) and not settings.DEMO:
        what = "a superuser" if is_super else "allowed to bypass row security"
        do = f'ALTER ROLE "{name}" NOSUPERUSER NOBYPASSRLS; the site needs neither.'
        return wrong("role", f"{name} is {what}.", do)
    return ok("role", f"{name}.")


def migrations() -> Finding:
    if found := fingerprints.others(connection):
        return wrong("migrations", f"the database {fingerprints.what(found)}.", fingerprints.do())
    if health.answers(health.migrations):
        return ok("migrations", "all applied.")
    return wrong(
        "migrations", "some are not applied.", "Run manage.py migrate (docs/operations.md, Upgrade)."
    )


def keys_and_indexes() -> Iterator[Finding]:
    """Every unique key has its decision, every owner its index, in the database itself."""
    try:
        with telling_when_away():
            found = [m for m in run_checks(tags=[Tags.database], databases=["default"]) if m.level >= WARNING]
    except DatabaseAway as away:
        do = "Where it cannot write, transfers pause: give its disk room, or let DATABASE_URL name one that may write."
        yield wrong("keys and indexes", f"could not be looked at. {away.sentence}", do)
        return
    for message in found:
        make = wrong if message.level >= ERROR else look
        yield make(f"check {message.id}", str(message.msg), str(message.hint or ""))
    if not found:
        yield ok("keys and indexes", "as the data types need them.")


def broken_indexes() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
        for (name,) in cursor.fetchall():
            yield wrong("index", f"{name} is not valid and not used.", f"REINDEX INDEX CONCURRENTLY {name};")


def pool() -> Finding:
    """Is a session one server process from its beginning to its end? Chunks are claimed by the session.

    A pooler in transaction mode hands the process that was just let go to the next who asks, and gives us another.
    """
    parameters = connection.get_connection_params()
    parameters = {
        name: value for name, value in parameters.items() if name not in ("cursor_factory", "context")
    }
    with (
        psycopg.connect(**parameters, autocommit=True) as ours,
        psycopg.connect(**parameters, autocommit=True) as other,
    ):
        before = backend(ours)
        other.execute("BEGIN")
        backend(other)
        moved = backend(ours) != before
        other.execute("ROLLBACK")
    if moved:
        do = "Connect to PostgreSQL itself, or set pool_mode = session for this database (docs/scaling.md)."
        return wrong("pool", "there is a pooler in transaction mode in between.", do)
    return ok("pool", "a session stays with its server process.")


def backend(session: "psycopg.Connection[Any]") -> int:
    found = session.execute("SELECT pg_backend_pid()").fetchone()
    return found[0] if found else 0


# (setting, fewest milliseconds it may be where it is not 0, what happens below that)
TIME_OUTS = (
    ("statement_timeout", 600_000, "a chunk with many rows would be cut off and fail"),
    (
        "idle_in_transaction_session_timeout",
        60_000,
        "a worker that thinks between two statements would be cut off",
    ),
    ("transaction_timeout", 600_000, "a chunk with many rows would be cut off and fail"),
)


def time_outs() -> Iterator[Finding]:
    for name, fewest, consequence in TIME_OUTS:
        found = row("SELECT setting::bigint FROM pg_settings WHERE name = %s", [name])
        if found and 0 < found[0] < fewest:
            do = f"ALTER ROLE \"{connection.settings_dict['USER'] or '…'}\" SET {name} = '{fewest // 1000}s'; or 0."
            yield wrong(name, f"is {found[0]} ms: {consequence}.", do)
        elif found:
            yield ok(name, f"{found[0]} ms." if found[0] else "off.")


def dead_peers() -> Finding:
    """How long the server keeps a session whose machine is gone without a word. Workers see to theirs themselves
    (`transfers.engine.locks`); a page holds what it had locked for so long, and others wait for it."""
    parts = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
    idle, interval, count = (int(row("SELECT current_setting(%s)", [name])[0]) for name in parts)
    if not idle:
        return ok("lost machines", "a Unix socket is noticed at once.")
    seconds = idle + interval * count
    if seconds > LONGEST_SILENCE:
        name = connection.settings_dict["USER"] or "…"
        do = " ".join(
            f'ALTER ROLE "{name}" SET {part} = {value};'
            for part, value in zip(parts, (10, 5, 3), strict=True)
        )
        says = f"a web server that is cut off in the middle of a change holds its locks for {seconds} s."
        return look("lost machines", says, do)
    return ok("lost machines", f"noticed after {seconds} s.")


def room() -> Finding:
    """Of other roles' sessions PostgreSQL tells that they are there, and not of which type they are."""
    used, most = row(
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL AND usesysid IS NOT NULL"
        " AND coalesce(backend_type, 'client backend') = 'client backend'),"
        " current_setting('max_connections')::int"
    )
    if used > CROWDED * most:
        do = "Raise max_connections, or run fewer threads and workers (docs/scaling.md)."
        return look("connections", f"{used} of {most} are in use.", do)
    return ok("connections", f"{used} of {most} are in use.")


def long_transactions() -> Finding:
    minutes, name, sees_all = row(
        "SELECT coalesce(extract(epoch FROM max(now() - xact_start)) / 60, 0)::float, current_user,"
        " pg_has_role('pg_read_all_stats', 'USAGE') FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    if minutes > 30:
        do = "Find it in pg_stat_activity (ORDER BY xact_start) and end it: it keeps VACUUM from its work."
        return look("transactions", f"one has been open for {minutes:.0f} minutes.", do)
    if not sees_all:
        hidden = (
            f'What other roles (pg_dump, psql) do is hidden until you GRANT pg_read_all_stats TO "{name}";'
        )
        return ok("transactions", f"none of {name} is open for long. {hidden}")
    return ok("transactions", "none is open for long.")
