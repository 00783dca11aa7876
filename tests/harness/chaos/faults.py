"""Faults and how to repair them. Each fault is a function that breaks something and returns its repair, if any."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

import psycopg
import redis
from django.conf import settings
from kombu.exceptions import OperationalError

from tests.harness.chaos.ground import LIVE, Ground, Program
from tests.harness.chaos.recovery import Mend, NotYet, Outages
from transfers import tasks

LONG = 60  # seconds that a long outage lasts


class NothingToBreak(Exception):
    """Raised if what the fault would break is missing or already broken."""


class Scene(NamedTuple):
    """The context of a fault. `patience` is the maximum length of an outage in seconds."""

    ground: Ground
    transfer_id: int
    draw: Random
    patience: float

    def outage(self) -> float:
        return LONG if self.patience >= LONG else self.draw.uniform(1, self.patience)


Fault = Callable[[Scene], Mend | None]


# --- Processes ------------------------------------------------------------------------------------------------------


def alive(program: Program) -> Program:
    if not program.child.alive:
        raise NothingToBreak
    return program


def worker(scene: Scene) -> Program:
    living = [program for program in scene.ground.workers() if program.child.alive]
    if not living:
        raise NothingToBreak
    return scene.draw.choice(living)


def pool_child(program: Program) -> int:
    """Return the process ID of the worker's pool process, which runs the tasks."""
    with suppress(OSError, ValueError, IndexError):
        pid = program.child.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    raise NothingToBreak


def send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_worker(scene: Scene) -> None:
    """Kill a worker and its pool process together, as a power cut would."""
    worker(scene).child.kill()


def kill_both_workers(scene: Scene) -> None:
    worker(scene)
    for program in scene.ground.workers():
        program.child.kill()


def kill_worker_parent(scene: Scene) -> None:
    """Kill only the worker's main process. Its pool process continues until the process group is killed."""
    worker(scene).child.signal(signal.SIGKILL)


def kill_worker_child(scene: Scene) -> None:
    send(pool_child(worker(scene)), signal.SIGKILL)


def kill_scheduler(scene: Scene) -> None:
    alive(scene.ground.programs["scheduler"]).child.kill()


def kill_web(scene: Scene) -> Mend:
    web = alive(scene.ground.programs["web"])
    web.child.kill()
    return restarted(web)


def restart_web(scene: Scene) -> Mend:
    web = alive(scene.ground.programs["web"])
    web.child.ask_to_stop()
    return restarted(web)


def restarted(program: Program) -> Mend:
    """Return a repair that waits until `Ground.look_after` has restarted the program and it is ready."""
    starts = program.starts

    def look() -> None:
        if program.starts == starts or not program.ready:
            raise NotYet

    return Mend(0, look)


def restart_worker(scene: Scene) -> None:
    worker(scene).child.ask_to_stop()


def freeze_worker(scene: Scene) -> Mend:
    """Suspend the worker's pool process in the middle of its work. The repair resumes it."""
    pid = pool_child(worker(scene))
    send(pid, signal.SIGSTOP)
    return Mend(scene.draw.uniform(0.5, 5), lambda: send(pid, signal.SIGCONT))


MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = (-DAY, -HOUR, -MINUTE, MINUTE, HOUR, DAY)
# The web server's clock changes by less than 30 minutes, because inactive sessions end after that time.
STEPS_OF_WEB = (-15 * MINUTE, -MINUTE, MINUTE, 15 * MINUTE)


def set_clock(scene: Scene) -> Mend:
    """Change the clock of one program, as if it ran on a separate machine. The repair sets the clock back."""
    name = alive(scene.draw.choice(list(scene.ground.programs.values()))).child.name
    clock = scene.ground.clock(name)
    clock.write_text(str(scene.draw.choice(STEPS_OF_WEB if name == "web" else STEPS)))
    return Mend(scene.outage(), lambda: clock.write_text("0"))


# --- Messages -------------------------------------------------------------------------------------------------------


def flush_redis(scene: Scene) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        if not client.dbsize():
            raise NothingToBreak
        client.flushall()


def redis_down(scene: Scene) -> Mend:
    server = scene.ground.redis
    server.child.kill()
    return Mend(scene.outage(), partial(scene.ground.restart_dead, server))


def same_message_ten_times(scene: Scene) -> None:
    for _ in range(10):
        tasks.run_transfer.delay(scene.transfer_id)


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def restart_postgres(scene: Scene) -> Mend:
    """Crash PostgreSQL with an immediate shutdown, so that it must recover from its WAL at the next start."""
    server = scene.ground.postgres
    server.stop(immediate=True)
    return Mend(scene.draw.uniform(0, min(scene.patience, 5)), partial(scene.ground.restart_dead, server))


OTHERS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'chaos-%' AND datname = current_database()"
)


def cut_connections(scene: Scene) -> None:
    """Terminate the connections of all programs one by one, in random order."""
    with scene.ground.connect() as connection:
        pids = [pid for (pid,) in connection.execute(OTHERS)]
        if not pids:
            raise NothingToBreak
        for pid in scene.draw.sample(pids, len(pids)):
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])


def read_only(scene: Scene) -> Mend:
    """Make the database read-only, like a standby to which clients are still connected after a failover."""
    set_read_only(scene, "SET default_transaction_read_only = on")
    return Mend(scene.outage(), lambda: set_read_only(scene, "RESET default_transaction_read_only"))


def set_read_only(scene: Scene, how: str) -> None:
    """Change whether new connections are read-only, and cut all existing connections, so that none is exempt."""
    scene.ground.command(f"ALTER DATABASE {{}} {how}", LIVE)
    with suppress(NothingToBreak, psycopg.OperationalError):
        cut_connections(scene)


def disk_full(scene: Scene) -> Mend:
    disk = scene.ground.small_disk
    if disk is None:
        raise NothingToBreak
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as stream:
        for size in (2**20, 2**12, 1):
            with suppress(OSError):
                while stream.write(b"\0" * size):
                    pass
    return Mend(scene.outage(), lambda: filler.unlink(missing_ok=True))


FAULTS: dict[str, Fault] = {
    "worker killed": kill_worker,
    "both workers killed": kill_both_workers,
    "worker's parent killed": kill_worker_parent,
    "worker's child killed": kill_worker_child,
    "worker stopped": restart_worker,
    "worker frozen": freeze_worker,
    "scheduler killed": kill_scheduler,
    "web killed": kill_web,
    "web restarted": restart_web,
    "clock changed": set_clock,
    "Redis flushed": flush_redis,
    "Redis down": redis_down,
    "the same message ten times": same_message_ten_times,
    "PostgreSQL crashed": restart_postgres,
    "connections cut": cut_connections,
    "database read-only": read_only,
    "disk full": disk_full,
}
# During these faults, a page may say “Reconnecting”.
DATABASE_FAULTS = {"PostgreSQL crashed", "connections cut", "database read-only", "disk full"}
# During these faults, a request may get no response.
WEB_FAULTS = {"web killed", "web restarted"}
# How many of a pair's three attempts each fault can cost. Attempts that end with a crash or a write error of PostgreSQL
# do not count. "database read-only" costs two because it cuts connections both at its start and at its end.
COSTS = {
    "worker killed": 1,
    "both workers killed": 1,
    "worker's parent killed": 1,
    "worker's child killed": 1,
    "connections cut": 1,
    "database read-only": 2,
}


def strike(name: str, scene: Scene, outages: Outages) -> bool:
    """Try to cause the fault. Return False if there is nothing to break, or if the fault is still in effect."""
    if outages.lasts(name):
        return False
    began = time.monotonic()
    try:
        outages.add(name, began, FAULTS[name](scene))
    except (NothingToBreak, psycopg.OperationalError, redis.RedisError, OperationalError):
        return False
    return True
