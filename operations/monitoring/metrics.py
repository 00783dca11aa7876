"""Prometheus metrics, all read from the database, so that every process of the site reports the same values."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from audit.verification import UNCHANGED
from operations.monitoring.journal import journal_size
from tenancy.context import all_tenants_context
from transfers.models import PairState, State

# Number of transfers by state. Reads transfers_transfer, which has one row per transfer.
TRANSFERS = "SELECT state, count(*) FROM transfers_transfer GROUP BY state"

# For transfers that are open or ended within the last hour: the number of pairs by state, and how many of them ended in
# the last minute. Reads transfers_transferpair by its unique index on (transfer_id, source_id).
PAIRS = """
SELECT pair.state, count(*),
    count(*) FILTER (WHERE pair.finished_at > now() - interval '1 minute')
FROM transfers_transfer AS transfer
JOIN transfers_transferpair AS pair ON pair.transfer_id = transfer.id
WHERE transfer.state IN ('queued', 'running') OR transfer.finished_at > now() - interval '1 hour'
GROUP BY pair.state
"""

# Number of batches committed within the last hour, and the median, 95th percentile and maximum of their durations in
# seconds, from the start of the attempt to its commit. All pairs of a batch have the same start time.
CHUNKS = """
SELECT count(*), coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds), 0),
    coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds), 0), coalesce(max(seconds), 0)
FROM (
    SELECT extract(epoch FROM max(pair.finished_at) - pair.started_at)::float AS seconds
    FROM transfers_transfer AS transfer
    JOIN transfers_transferpair AS pair ON pair.transfer_id = transfer.id
    WHERE (transfer.state IN ('queued', 'running') OR transfer.finished_at > now() - interval '1 hour')
        AND pair.state = 'succeeded' AND pair.started_at IS NOT NULL
        AND pair.finished_at > now() - interval '1 hour'
    GROUP BY pair.transfer_id, pair.chunk, pair.started_at
) AS batch
"""

# Number of failed pairs by reason, for transfers that are open or ended within the last day.
FAILURES = """
SELECT pair.code, count(*)
FROM transfers_transfer AS transfer
JOIN transfers_transferpair AS pair ON pair.transfer_id = transfer.id AND pair.state = 'failed'
WHERE transfer.state IN ('queued', 'running') OR transfer.finished_at > now() - interval '1 day'
GROUP BY pair.code
"""

# The columns:
# - seconds that the oldest queued transfer has waited
# - longest time in seconds that any open transfer has gone without finishing a pair, whatever it is waiting for
# - number of late arrivals, as last counted
# - seconds since the last heartbeat or, if there was none, since the database was created
# - number of unsent emails
# - number of tenants whose last audit verification failed, found through the index audit_verifications
STATUS = """
SELECT
    (SELECT coalesce(extract(epoch FROM now() - min(confirmed_at)), 0)::float
        FROM transfers_transfer WHERE state = 'queued'),
    (SELECT coalesce(extract(epoch FROM now() - min(greatest(confirmed_at, started_at, last.pair_at))), 0)::float
        FROM transfers_transfer AS transfer, LATERAL (
            SELECT max(finished_at) AS pair_at FROM transfers_transferpair WHERE transfer_id = transfer.id
        ) AS last
        WHERE state IN ('queued', 'running')),
    (SELECT coalesce(sum(value::bigint), 0)::bigint
        FROM transfers_transfer, jsonb_each_text(late_rows) WHERE finished_at > now() - interval '30 days'),
    (SELECT extract(epoch FROM now() - coalesce(
        (SELECT at FROM operations_heartbeat WHERE name = 'worker'),
        (SELECT min(applied) FROM django_migrations WHERE app = 'operations')
    ))::float),
    (SELECT count(*) FROM operations_mail WHERE done_at IS NULL),
    (SELECT count(*) FROM tenancy_tenant AS tenant, LATERAL (
        SELECT details ->> 'result' AS result FROM audit_auditevent
        WHERE tenant_id = tenant.id AND kind = 'audit-verified' ORDER BY id DESC LIMIT 1
    ) AS last WHERE result <> %s)
"""


def exposition() -> bytes:
    """Return the metrics in the text format of Prometheus, whose content type is CONTENT_TYPE_LATEST."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DatabaseCollector())
    return generate_latest(registry)


class DatabaseCollector(Collector):
    """Runs six queries per scrape, none of which reads the records of users."""

    @all_tenants_context()
    def collect(self) -> list[Metric]:
        """Return a list, because the queries of a generator would run outside the tenant context."""
        return list(self.metrics())

    def metrics(self) -> Iterable[Metric]:
        yield transfers(dict(rows(TRANSFERS)))
        yield from pairs(rows(PAIRS))
        yield from chunks(*rows(CHUNKS)[0])
        yield by_label(
            "transfer_failed_pairs",
            "Failed pairs of transfers that are open or ended within the last day, by reason.",
            "code",
            rows(FAILURES),
        )
        yield from status(*rows(STATUS, [UNCHANGED])[0])
        yield from journal()


def rows(statement: str, parameters: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def transfers(found: dict[str, int]) -> Metric:
    numbers = [(state.value, found.get(state.value, 0)) for state in State]
    return by_label("transfer_transfers", "Transfers by state.", "state", numbers)


def pairs(found: list[tuple[Any, ...]]) -> Iterator[Metric]:
    by_state = {state: number for state, number, _ in found}
    numbers = [(state.value, by_state.get(state.value, 0)) for state in PairState]
    yield by_label(
        "transfer_pairs",
        "Pairs of transfers that are open or ended within the last hour, by state.",
        "state",
        numbers,
    )
    ended = sum(in_last_minute for _, _, in_last_minute in found)
    yield GaugeMetricFamily(
        "transfer_pairs_per_second", "Pairs finished per second, over the last minute.", ended / 60
    )


def chunks(number: int, median: float, most: float, longest: float) -> Iterator[Metric]:
    yield GaugeMetricFamily("transfer_batches", "Batches committed within the last hour.", number)
    quantiles = (("0.5", median), ("0.95", most), ("1", longest))
    text = "Duration of the batches committed within the last hour."
    yield by_label("transfer_batch_seconds", text, "quantile", quantiles)


def status(
    queue_age: float, stalled: float, late: int, heartbeat_age: float, emails: int, tampered: int
) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "transfer_queue_age_seconds",
        "Time the oldest queued transfer has been waiting for a worker.",
        queue_age,
    )
    yield GaugeMetricFamily(
        "transfer_seconds_without_a_pair",
        "Longest time without a finished pair in any open transfer.",
        stalled,
    )
    yield GaugeMetricFamily(
        "transfer_late_arrivals",
        "Late arrivals of transfers that ended within the last 30 days, as last counted.",
        late,
    )
    yield GaugeMetricFamily(
        "transfer_heartbeat_age_seconds",
        "Time since the last heartbeat or, if there was none, since the database was created.",
        heartbeat_age,
    )
    yield GaugeMetricFamily("transfer_unsent_emails", "Emails not sent yet.", emails)
    yield GaugeMetricFamily(
        "transfer_audit_logs_changed", "Tenants whose audit log failed its last verification.", tampered
    )


def journal() -> Iterator[Metric]:
    found = journal_size()
    yield GaugeMetricFamily(
        "transfer_journal_entries", "Entries of the journal of transfers (an estimate).", found.entries
    )
    yield GaugeMetricFamily(
        "transfer_journal_bytes", "Size of the journal of transfers, with its indexes.", found.bytes
    )
    yield GaugeMetricFamily(
        "transfer_journal_age_seconds",
        "Age of the oldest entry of the journal; 0 if there is none.",
        found.age.total_seconds(),
    )


def by_label(name: str, text: str, label: str, numbers: Iterable[tuple[Any, ...]]) -> Metric:
    metric = GaugeMetricFamily(name, text, labels=[label])
    for value, number in numbers:
        metric.add_metric([value], number)
    return metric
