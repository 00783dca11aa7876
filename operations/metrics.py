"""What is measured, for Prometheus: all of it read from the database, so that any process of the site answers alike."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts import wall
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

# The oldest transfer that nobody has begun; late arrivals as they were last counted; the worker's last sign of life;
# mails that wait.
STATE_OF_THINGS = """
SELECT
    (SELECT coalesce(extract(epoch FROM now() - min(confirmed_at)), 0)::float
        FROM transfers_transfer WHERE state = 'queued'),
    (SELECT coalesce(sum(value::bigint), 0)::bigint
        FROM transfers_transfer, jsonb_each_text(late_rows) WHERE finished_at > now() - interval '30 days'),
    (SELECT extract(epoch FROM now() - max(at))::float FROM operations_heartbeat WHERE name = 'worker'),
    (SELECT count(*) FROM operations_mail WHERE done_at IS NULL)
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
        yield from state_of_things(*rows(STATE_OF_THINGS)[0])


def rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
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


def state_of_things(waiting: float, late: int, silence: float | None, mails: int) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "transfer_queue_age_seconds", "How long the oldest transfer has waited for a worker.", waiting
    )
    yield GaugeMetricFamily("transfer_late_arrivals", "Late rows of the last 30 days, as last counted.", late)
    if silence is not None:
        yield GaugeMetricFamily(
            "transfer_worker_silence_seconds", "Since a worker took a message of the clock.", silence
        )
    yield GaugeMetricFamily("transfer_mails_waiting", "Mails that could not be sent yet.", mails)


def by_label(name: str, text: str, label: str, numbers: Iterable[tuple[Any, ...]]) -> Metric:
    metric = GaugeMetricFamily(name, text, labels=[label])
    for value, number in numbers:
        metric.add_metric([value], number)
    return metric
