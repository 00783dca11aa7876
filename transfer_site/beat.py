"""A scheduler for Celery beat that tolerates changes of the system clock.

Beat remembers when each task last ran, in system time. If the clock is set back by an hour, those times are in the
future, and beat would send nothing for an hour (docs/decisions/clocks.md).
"""

from typing import Any

from celery.beat import PersistentScheduler


class SteadyScheduler(PersistentScheduler):
    """Beat's default scheduler, except that a task's last run time is set to now if it is in the future."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at > entry.default_now()]
        for entry in ahead:
            entry.last_run_at = entry.default_now()
        if ahead:
            self._heap = None  # makes beat rebuild the heap, which is still sorted by the old times
        return float(super().tick(*args, **kwargs))
