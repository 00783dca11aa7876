"""Checks of PostgreSQL: version, clock, role, migrations, indexes, pooling, timeouts and connections."""

import time
from collections.abc import Iterator
from typing import Any, cast

import psycopg
from django.conf import settings
from django.core.checks import WARNING, CheckMessage, Error, Info, Tags, Warning, run_checks
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.utils import timezone

import tenancy.checks
from operations import fingerprints
from operations.monitoring import health
from tenancy.postgresql.transient_errors import DatabaseUnavailable, raising_unavailable

MIN_VERSION = 15
SLOW_ROUND_TRIP = 5.0  # milliseconds
MAX_CLOCK_DIFFERENCE = 2.0  # seconds
MAX_CONNECTION_SHARE = 0.8
MAX_DEAD_PEER_SECONDS = 60
LONG_TRANSACTION_MINUTES = 30


def unreachable() -> CheckMessage:
    return Error(
        "PostgreSQL cannot be reached.",
        hint="Check DATABASE_URL, the server and its pg_hba.conf, and any firewall in between.",
        id="doctor.postgresql",
    )


def findings() -> Iterator[CheckMessage]:
    yield version()
    yield round_trip()
    yield clock()
    yield role()
    if lost := list(tenancy.checks.check_search_path()):
        yield from lost
        return
    yield migrations()
    yield from system_checks()
    yield from invalid_indexes()
    yield pooling()
    yield from timeouts()
    yield dead_peers()
    yield connections()
    yield long_transactions()


def row(statement: str, parameters: list[Any] | None = None) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone() or ()


def version() -> CheckMessage:
    major, minor = divmod(cast(DatabaseWrapper, connection).pg_version, 10_000)
    if major < MIN_VERSION:
        hint = f"Upgrade to PostgreSQL {MIN_VERSION} or newer."
        return Error(f"PostgreSQL {major} is too old.", hint=hint, id="doctor.postgresql")
    return Info(f"PostgreSQL {major}.{minor}.", id="doctor.postgresql")


def round_trip() -> CheckMessage:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        row("SELECT 1")
        times.append((time.perf_counter() - began) * 1000)
    median = sorted(times)[2]
    text = f"A round trip to the database takes {median:.2f} ms."
    if median > SLOW_ROUND_TRIP:
        hint = "Run web servers and workers near the database: a page runs about 10 queries, and a chunk about 110."
        return Warning(text, hint=hint, id="doctor.round_trip")
    return Info(text, id="doctor.round_trip")


def clock() -> CheckMessage:
    difference = abs((timezone.now() - row("SELECT clock_timestamp()")[0]).total_seconds())
    text = f"The clocks of this machine and of the database differ by {difference:.2f} s."
    if difference > MAX_CLOCK_DIFFERENCE:
        hint = "Synchronise both clocks with NTP. Nothing breaks, but pages and the audit log show inconsistent times."
        return Warning(text, hint=hint, id="doctor.clock")
    return Info(text, id="doctor.clock")


def role() -> CheckMessage:
    name, is_super, bypasses = row(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    if (is_super or bypasses) and not settings.DEMO:
        what = "is a superuser" if is_super else "can bypass row-level security"
        hint = f'The site needs neither SUPERUSER nor BYPASSRLS. Run ALTER ROLE "{name}" NOSUPERUSER NOBYPASSRLS;'
        return Error(f"The database role {name} {what}.", hint=hint, id="doctor.role")
    return Info(f"The site connects as the role {name}.", id="doctor.role")


def migrations() -> CheckMessage:
    if found := fingerprints.mismatches(connection):
        return Error(
            f"The database {fingerprints.description(found)}.",
            hint=fingerprints.remedy(),
            id="doctor.migrations",
        )
    if health.answers(health.migrations):
        return Info("All migrations are applied.", id="doctor.migrations")
    hint = "Run manage.py migrate (docs/operations.md, Upgrade)."
    return Error("Some migrations are not applied.", hint=hint, id="doctor.migrations")


def system_checks() -> Iterator[CheckMessage]:
    """Run the system checks that query the database: unique keys, indexes, policies and rights."""
    try:
        with raising_unavailable():
            found = [m for m in run_checks(tags=[Tags.database], databases=["default"]) if m.level >= WARNING]
    except DatabaseUnavailable as unavailable:
        yield Error(
            f"The checks of the database could not run. {unavailable.sentence}",
            hint="If the database cannot write, transfers pause: free disk space, or use a writable server.",
            id="doctor.database_checks",
        )
        return
    yield from found
    if not found:
        yield Info("The checks of the database found no problems.", id="doctor.database_checks")


def invalid_indexes() -> Iterator[CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
        for (name,) in cursor.fetchall():
            hint = f"REINDEX INDEX CONCURRENTLY {name};"
            yield Error(f"The index {name} is invalid and not used.", hint=hint, id="doctor.index")


def pooling() -> CheckMessage:
    """Check that each session keeps the same server process, because chunks are claimed with session-level locks.

    In transaction mode, a pooler gives the server process just used by `ours` to `other`, and runs the next statement
    of `ours` in another process.
    """
    parameters = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name not in ("cursor_factory", "context")
    }
    with (
        psycopg.connect(**parameters, autocommit=True) as ours,
        psycopg.connect(**parameters, autocommit=True) as other,
    ):
        before = backend_pid(ours)
        other.execute("BEGIN")
        backend_pid(other)
        moved = backend_pid(ours) != before
        other.execute("ROLLBACK")
    if moved:
        return Error(
            "The connection goes through a pooler in transaction mode.",
            hint="Connect directly to PostgreSQL, or set pool_mode = session for this database (docs/scaling.md).",
            id="doctor.pooling",
        )
    return Info(
        "Each session keeps the same PostgreSQL server process (no transaction pooling).", id="doctor.pooling"
    )


def backend_pid(session: "psycopg.Connection[Any]") -> int:
    found = session.execute("SELECT pg_backend_pid()").fetchone()
    return found[0] if found else 0


# (setting, lowest safe value in milliseconds, consequence of a lower value). 0 is safe: it turns the timeout off.
TIMEOUTS = (
    ("statement_timeout", 600_000, "a chunk with many rows would be cancelled and fail"),
    ("idle_in_transaction_session_timeout", 60_000, "a worker would be cut off between two statements"),
    ("transaction_timeout", 600_000, "a chunk with many rows would be cancelled and fail"),
)


def timeouts() -> Iterator[CheckMessage]:
    for name, lowest, consequence in TIMEOUTS:
        found = row("SELECT setting::bigint FROM pg_settings WHERE name = %s", [name])
        if found and 0 < found[0] < lowest:
            yield Error(
                f"{name} is {found[0]:,} ms: {consequence}.",
                hint=f"Run ALTER ROLE \"{role_name()}\" SET {name} = '{lowest // 1000}s'; or turn it off with 0.",
                id=f"doctor.{name}",
            )
        elif found:
            value = f"{found[0]:,} ms" if found[0] else "off"
            yield Info(f"{name} is {value}.", id=f"doctor.{name}")


def role_name() -> str:
    return str(connection.settings_dict["USER"] or "…")


def dead_peers() -> CheckMessage:
    """Check how long PostgreSQL keeps the session and the locks of a web server that has vanished.

    Workers set this time for their own sessions (`transfers.engine.locks`).
    """
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
    idle, interval, count = (int(row("SELECT current_setting(%s)", [name])[0]) for name in names)
    if not idle:
        return Info(
            "PostgreSQL notices at once when a connection through a Unix socket ends.", id="doctor.dead_peers"
        )
    seconds = idle + interval * count
    if seconds > MAX_DEAD_PEER_SECONDS:
        return Warning(
            f"A web server that loses its network connection during a change keeps its locks for {seconds:,} s.",
            hint=" ".join(
                f'ALTER ROLE "{role_name()}" SET {name} = {value};'
                for name, value in zip(names, (10, 5, 3), strict=True)
            ),
            id="doctor.dead_peers",
        )
    return Info(f"PostgreSQL notices within {seconds} s that a machine has vanished.", id="doctor.dead_peers")


def connections() -> CheckMessage:
    """Count client connections.

    PostgreSQL hides the `backend_type` of other roles' sessions, so a session whose type is hidden counts as a client.
    """
    used, most = row(
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL AND usesysid IS NOT NULL"
        " AND coalesce(backend_type, 'client backend') = 'client backend'),"
        " current_setting('max_connections')::int"
    )
    text = f"{used:,} of {most:,} connections are in use."
    if used > MAX_CONNECTION_SHARE * most:
        hint = "Raise max_connections, or run fewer threads and workers (docs/scaling.md)."
        return Warning(text, hint=hint, id="doctor.connections")
    return Info(text, id="doctor.connections")


def long_transactions() -> CheckMessage:
    minutes, name, sees_all = row(
        "SELECT coalesce(extract(epoch FROM max(now() - xact_start)) / 60, 0)::float, current_user,"
        " pg_has_role('pg_read_all_stats', 'USAGE') FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    if minutes > LONG_TRANSACTION_MINUTES:
        return Warning(
            f"A transaction has been open for {minutes:,.0f} minutes.",
            hint="Find it in pg_stat_activity (ORDER BY xact_start) and end it: it prevents VACUUM from cleaning up.",
            id="doctor.transactions",
        )
    text = "No transaction has been open for long."
    if not sees_all:
        text = (
            f"No transaction of {name} has been open for long. Transactions of other roles, such as"
            f' those of pg_dump or psql, are hidden until you run GRANT pg_read_all_stats TO "{name}";'
        )
    return Info(text, id="doctor.transactions")
