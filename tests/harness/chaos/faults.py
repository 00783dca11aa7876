"""Faults and their repair. A fault strikes at once and returns its repair, if it needs one."""

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

LONG = 60  # seconds


class NothingToBreak(Exception):
    """The target of the fault is missing or already broken."""


class Scene(NamedTuple):
    """The context of a fault. `patience`: the longest outage in seconds."""

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
    """The child process, which does the work."""
    with suppress(OSError, ValueError, IndexError):
        pid = program.child.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    raise NothingToBreak


def send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_worker(scene: Scene) -> None:
    """Including its pool, as in a power cut."""
    worker(scene).child.kill()


def kill_both_workers(scene: Scene) -> None:
    worker(scene)
    for program in scene.ground.workers():
        program.child.kill()


def kill_worker_parent(scene: Scene) -> None:
    """The orphaned pool continues until its process group is killed."""
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
    """`Ground.look_after` restarts the program; the outage ends when it is ready."""
    starts = program.starts

    def look() -> None:
        if program.starts == starts or not program.ready:
            raise NotYet

    return Mend(0, look)


def restart_worker(scene: Scene) -> None:
    worker(scene).child.ask_to_stop()


def freeze_worker(scene: Scene) -> Mend:
    """Stop the process in the middle of its work, and continue it later."""
    pid = pool_child(worker(scene))
    send(pid, signal.SIGSTOP)
    return Mend(scene.draw.uniform(0.5, 5), lambda: send(pid, signal.SIGCONT))


MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = (-DAY, -HOUR, -MINUTE, MINUTE, HOUR, DAY)
# Less than half an hour, which would rightly end all sessions for inactivity.
STEPS_OF_WEB = (-15 * MINUTE, -MINUTE, MINUTE, 15 * MINUTE)


def set_clock(scene: Scene) -> Mend:
    """Change the clock of one program, as of one of several machines, and later set it back."""
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
    """An immediate shutdown is a crash: PostgreSQL recovers from its WAL at the next start."""
    server = scene.ground.postgres
    server.stop(immediate=True)
    return Mend(scene.draw.uniform(0, min(scene.patience, 5)), partial(scene.ground.restart_dead, server))


OTHERS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'chaos-%' AND datname = current_database()"
)


def cut_connections(scene: Scene) -> None:
    """Terminate all connections one by one, in random order."""
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
    """Set it for new connections, and cut all existing ones."""
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
# During these a page may say “Reconnecting”.
DATABASE_FAULTS = {"PostgreSQL crashed", "connections cut", "database read-only", "disk full"}
# During these requests may get no response.
WEB_FAULTS = {"web killed", "web restarted"}
# How many of a pair's three attempts each can cost. Crashes and write errors of PostgreSQL count none; "database
# read-only" cuts connections at its start and end.
COSTS = {
    "worker killed": 1,
    "both workers killed": 1,
    "worker's parent killed": 1,
    "worker's child killed": 1,
    "connections cut": 1,
    "database read-only": 2,
}


def strike(name: str, scene: Scene, outages: Outages) -> bool:
    """Cause the fault, and return whether it struck: it may have no target, or the target is already broken."""
    if outages.lasts(name):
        return False
    began = time.monotonic()
    try:
        outages.add(name, began, FAULTS[name](scene))
    except (NothingToBreak, psycopg.OperationalError, redis.RedisError, OperationalError):
        return False
    return True
