"""What is broken, and what mends it. A fault breaks something at once and returns how it is mended, if it has to be."""

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

from tests.chaos.ground import LIVE, Ground, Program
from tests.chaos.recovery import Mend, NotYet, Outages
from transfers import tasks

LONG = 60  # seconds: an outage of a whole minute


class NothingToBreak(Exception):
    """What the fault would break is broken already, or is not there."""


class Scene(NamedTuple):
    """Where a fault strikes. `patience`: the longest outage in seconds."""

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
    """The process that does the work: the child of the worker's parent."""
    with suppress(OSError, ValueError, IndexError):
        pid = program.child.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    raise NothingToBreak


def send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_worker(scene: Scene) -> None:
    """Its pool as well, as a power cut does."""
    worker(scene).child.kill()


def kill_both_workers(scene: Scene) -> None:
    worker(scene)
    for program in scene.ground.workers():
        program.child.kill()


def kill_worker_parent(scene: Scene) -> None:
    """The pool is orphaned and works on until its group is ended."""
    worker(scene).child.signal(signal.SIGKILL)


def kill_worker_child(scene: Scene) -> None:
    send(pool_child(worker(scene)), signal.SIGKILL)


def kill_sweep(scene: Scene) -> None:
    alive(scene.ground.programs["sweep"]).child.kill()


def kill_web(scene: Scene) -> Mend:
    web = alive(scene.ground.programs["web"])
    web.child.kill()
    return started_again(web)


def restart_web(scene: Scene) -> Mend:
    web = alive(scene.ground.programs["web"])
    web.child.ask_to_stop()
    return started_again(web)


def started_again(program: Program) -> Mend:
    """Whoever looks after the programs starts it; it is over when it answers."""
    starts = program.starts

    def look() -> None:
        if program.starts == starts or not program.ready:
            raise NotYet

    return Mend(0, look)


def restart_worker(scene: Scene) -> None:
    worker(scene).child.ask_to_stop()


def freeze_worker(scene: Scene) -> Mend:
    """It stands still in the middle of what it does, and goes on later as if nothing had been."""
    pid = pool_child(worker(scene))
    send(pid, signal.SIGSTOP)
    return Mend(scene.draw.uniform(0.5, 5), lambda: send(pid, signal.SIGCONT))


MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = (-DAY, -HOUR, -MINUTE, MINUTE, HOUR, DAY)
# A jump of half an hour would sign everybody out, as it should: nobody has done anything for half an hour then.
STEPS_OF_WEB = (-15 * MINUTE, -MINUTE, MINUTE, 15 * MINUTE)


def set_clock(scene: Scene) -> Mend:
    """Of one program, as of one machine of several, and later back again."""
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
    return Mend(scene.outage(), partial(scene.ground.start_fallen, server))


def same_message_ten_times(scene: Scene) -> None:
    for _ in range(10):
        tasks.run_transfer.delay(scene.transfer_id)


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def restart_postgres(scene: Scene) -> Mend:
    """An immediate shutdown is a crash: it recovers from its log at the next start."""
    server = scene.ground.postgres
    server.stop(immediate=True)
    return Mend(scene.draw.uniform(0, min(scene.patience, 5)), partial(scene.ground.start_fallen, server))


OTHERS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'chaos-%' AND datname = current_database()"
)


def cut_connections(scene: Scene) -> None:
    """One by one, in a random order."""
    with scene.ground.connect() as connection:
        pids = [pid for (pid,) in connection.execute(OTHERS)]
        if not pids:
            raise NothingToBreak
        for pid in scene.draw.sample(pids, len(pids)):
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])


def read_only(scene: Scene) -> Mend:
    """As after a fail-over, or on a standby."""
    set_read_only(scene, "SET default_transaction_read_only = on")
    return Mend(scene.outage(), lambda: set_read_only(scene, "RESET default_transaction_read_only"))


def set_read_only(scene: Scene, how: str) -> None:
    """For whoever connects from now on, and that is everybody."""
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
    "worker told to stop": restart_worker,
    "worker stood still": freeze_worker,
    "sweep killed": kill_sweep,
    "web killed": kill_web,
    "web restarted": restart_web,
    "clock set": set_clock,
    "Redis flushed": flush_redis,
    "Redis down": redis_down,
    "the same message ten times": same_message_ten_times,
    "PostgreSQL crashed": restart_postgres,
    "connections cut": cut_connections,
    "database read-only": read_only,
    "disk full": disk_full,
}
# After these a page may say that it is reconnecting.
DATABASE_AWAY = {"PostgreSQL crashed", "connections cut", "database read-only", "disk full"}
# And after these nobody may answer.
WEB_AWAY = {"web killed", "web restarted"}
# How many of the three attempts of a pair each can cost. Where PostgreSQL crashes, or cannot write, none is counted;
# before and after the time in which it may only be read the connections are cut.
COSTS = {
    "worker killed": 1,
    "both workers killed": 1,
    "worker's parent killed": 1,
    "worker's child killed": 1,
    "connections cut": 1,
    "database read-only": 2,
}


def strike(name: str, scene: Scene, outages: Outages) -> bool:
    """Whether it struck: a fault that finds its place broken already, or nothing to break, does nothing."""
    if outages.lasts(name):
        return False
    began = time.monotonic()
    try:
        outages.add(name, began, FAULTS[name](scene))
    except (NothingToBreak, psycopg.OperationalError, redis.RedisError, OperationalError):
        return False
    return True
