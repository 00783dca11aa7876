"""What is measured, for Prometheus: all of it read from the database, so that any process of the site answers alike."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts import wall
from transfers.audit_verification import UNCHANGED
from transfers.models import PairState, State

# How many transfers there are in each state. Reads transfers_transfer, a row a transfer.
TRANSFERS = "SELECT state, count(*) FROM transfers_transfer GROUP BY state"

# Pairs of transfers that are open or ended within the hour, by state; and how many ended within the last minute.
# Reads transfers_transferpair by its unique index on (transfer_id, source_id).
PAIRS = """
SELECT pair.state, count(*),
    count(*) FILTER (WHERE pair.finished_at > now() - interval '1 minute')
FROM transfers_transfer AS transfer
JOIN transfers_transferpair AS pair ON pair.transfer_id = transfer.id
WHERE transfer.state IN ('queued', 'running') OR transfer.finished_at > now() - interval '1 hour'
GROUP BY pair.state
"""

# How long the batches of the last hour took, from the attempt to the commit: the pairs of one have one beginning.
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

# Why pairs failed, of transfers that are open or ended within a day.
FAILURES = """
SELECT pair.code, count(*)
FROM transfers_transfer AS transfer
JOIN transfers_transferpair AS pair ON pair.transfer_id = transfer.id AND pair.state = 'failed'
WHERE transfer.state IN ('queued', 'running') OR transfer.finished_at > now() - interval '1 day'
GROUP BY pair.code
"""

# The oldest transfer that nobody has begun; the open transfer in which nothing has ended for longest, be it that it
# waits for a worker or that storage does not let the worker go on; late arrivals as they were last counted; the
# worker's last sign of life, or how long one has been missing on a site that has never had any; mails that wait; and
# tenants whose audit log was not what it was when it was verified last, by the index audit_verifications.
STATE_OF_THINGS = """
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
    (SELECT count(*) FROM accounts_tenant AS tenant, LATERAL (
        SELECT details ->> 'result' AS result FROM transfers_auditevent
        WHERE tenant_id = tenant.id AND kind = 'audit-verified' ORDER BY id DESC LIMIT 1
    ) AS last WHERE result <> %s)
"""


def exposition() -> bytes:
    """The text that Prometheus reads (content type `prometheus_client.CONTENT_TYPE_LATEST`)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FromDatabase())
    return generate_latest(registry)


class FromDatabase(Collector):
    """Asks anew each time it is read: five queries, none of which reads a record table."""

    @wall.every_tenant()
    def collect(self) -> list[Metric]:
        """At once, because what is yielded later would be asked for outside of the block."""
        return list(self.metrics())

    def metrics(self) -> Iterable[Metric]:
        yield transfers(dict(rows(TRANSFERS)))
        yield from pairs(rows(PAIRS))
        yield from chunks(*rows(CHUNKS)[0])
        yield by_label(
            "transfer_failed_pairs",
            "Pairs that failed, of open transfers and of the last day's.",
            "code",
            rows(FAILURES),
        )
        yield from state_of_things(*rows(STATE_OF_THINGS, [UNCHANGED])[0])


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
        "transfer_pairs", "Pairs of open transfers and of the last hour's, by state.", "state", numbers
    )
    lately = sum(in_last_minute for _, _, in_last_minute in found)
    yield GaugeMetricFamily(
        "transfer_pairs_per_second", "Pairs that ended, over the last minute.", lately / 60
    )


def chunks(number: int, median: float, most: float, longest: float) -> Iterator[Metric]:
    yield GaugeMetricFamily("transfer_batches", "Batches that were committed within the last hour.", number)
    quantiles = (("0.5", median), ("0.95", most), ("1", longest))
    yield by_label("transfer_batch_seconds", "How long they took.", "quantile", quantiles)


def state_of_things(
    waiting: float, standing: float, late: int, silence: float, mails: int, broken: int
) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "transfer_queue_age_seconds", "How long the oldest transfer has waited for a worker.", waiting
    )
    yield GaugeMetricFamily(
        "transfer_seconds_without_a_pair",
        "The longest that an open transfer has had no pair ended.",
        standing,
    )
    yield GaugeMetricFamily("transfer_late_arrivals", "Late rows of the last 30 days, as last counted.", late)
    yield GaugeMetricFamily(
        "transfer_worker_silence_seconds",
        "Since a worker took a message of the clock; where none ever did, since the database was made.",
        silence,
    )
    yield GaugeMetricFamily("transfer_mails_waiting", "Mails that could not be sent yet.", mails)
    yield GaugeMetricFamily(
        "transfer_audit_logs_changed", "Tenants whose audit log failed its last verification.", broken
    )


def by_label(name: str, text: str, label: str, numbers: Iterable[tuple[Any, ...]]) -> Metric:
    metric = GaugeMetricFamily(name, text, labels=[label])
    for value, number in numbers:
        metric.add_metric([value], number)
    return metric
