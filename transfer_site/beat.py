"""A scheduler for Celery beat that tolerates changes of the system clock.

Beat remembers when each task last ran, in system time. Set back by an hour, it would send nothing for an hour, because
the last runs are in the future (docs/decisions/clocks.md).
"""

from typing import Any

from celery.beat import PersistentScheduler


class SteadyScheduler(PersistentScheduler):
    """Beat's default scheduler, which treats a last run in the future as just now."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at > entry.default_now()]
        for entry in ahead:
            entry.last_run_at = entry.default_now()
        if ahead:
            self._heap = None  # sorted by the old clock
        return float(super().tick(*args, **kwargs))
