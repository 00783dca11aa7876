"""The scheduler of Celery's beat, for computers whose clock is set.

Beat remembers when each task ran last, by the clock on the wall. Set back by an hour, it would send nothing for an
hour: what it sent last lies in the future. `docs/decisions/clocks.md`
"""

from typing import Any

from celery.beat import PersistentScheduler


class SteadyScheduler(PersistentScheduler):
    """Beat's own; a task that ran in the future ran just now."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at > entry.default_now()]
        for entry in ahead:
            entry.last_run_at = entry.default_now()
        if ahead:
            self._heap = None  # which is sorted by the clock that was
        return float(super().tick(*args, **kwargs))
