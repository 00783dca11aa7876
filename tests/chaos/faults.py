"""What is broken, and what mends it. A fault breaks something at once and returns how it is mended, if it has to be."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

import psycopg
import redis
from django.conf import settings
from kombu.exceptions import OperationalError

from tests.chaos.ground import LIVE, Ground, Program
from transfers import tasks


class Mend(NamedTuple):
    """`after` seconds, `act`."""

    after: float
    act: Callable[[], None]


class Scene(NamedTuple):
    """Where a fault strikes. `patience`: the longest outage in seconds."""

    ground: Ground
    transfer_id: int
    draw: Random
    patience: float


Fault = Callable[[Scene], Mend | None]


# --- Processes ------------------------------------------------------------------------------------------------------


def worker(scene: Scene) -> Program:
    return scene.draw.choice(scene.ground.workers())


def pool_child(program: Program) -> int | None:
    """The process that does the work: the child of the worker's parent."""
    with suppress(OSError, ValueError, IndexError):
        pid = program.child.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    return None


def send(pid: int | None, number: signal.Signals) -> None:
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def kill_worker(scene: Scene) -> None:
    """Its pool as well, as a power cut does."""
    worker(scene).child.kill()


def kill_both_workers(scene: Scene) -> None:
    for program in scene.ground.workers():
        program.child.kill()


def kill_worker_parent(scene: Scene) -> None:
    """The pool is orphaned and works on until its group is ended."""
    worker(scene).child.signal(signal.SIGKILL)


def kill_worker_child(scene: Scene) -> None:
    send(pool_child(worker(scene)), signal.SIGKILL)


def kill_sweep(scene: Scene) -> None:
    scene.ground.programs["sweep"].child.kill()


def kill_web(scene: Scene) -> None:
    scene.ground.programs["web"].child.kill()


def restart_web(scene: Scene) -> None:
    scene.ground.programs["web"].child.ask_to_stop()


def restart_worker(scene: Scene) -> None:
    worker(scene).child.ask_to_stop()


def freeze_worker(scene: Scene) -> Mend:
    """It stands still in the middle of what it does, and goes on later as if nothing had been."""
    pid = pool_child(worker(scene))
    send(pid, signal.SIGSTOP)
    return Mend(scene.draw.uniform(0.5, 5), lambda: send(pid, signal.SIGCONT))


# --- Messages -------------------------------------------------------------------------------------------------------


def flush_redis(scene: Scene) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushall()


def redis_down(scene: Scene) -> Mend:
    scene.ground.redis.child.kill()
    return Mend(scene.draw.uniform(1, scene.patience), scene.ground.start_fallen_servers)


def same_message_ten_times(scene: Scene) -> None:
    with suppress(OperationalError):
        for _ in range(10):
            tasks.run_transfer.delay(scene.transfer_id)


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def restart_postgres(scene: Scene) -> Mend:
    """An immediate shutdown is a crash: it recovers from its log at the next start."""
    scene.ground.postgres.stop(immediate=True)
    return Mend(scene.draw.uniform(0, min(scene.patience, 5)), scene.ground.start_fallen_servers)


OTHERS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'chaos-%' AND datname = current_database()"
)


def cut_connections(scene: Scene) -> None:
    """One by one, in a random order."""
    with scene.ground.connect() as connection:
        pids = [pid for (pid,) in connection.execute(OTHERS)]
        for pid in scene.draw.sample(pids, len(pids)):
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])


def read_only(scene: Scene) -> Mend:
    """As after a fail-over, or on a standby."""
    set_read_only(scene, "SET default_transaction_read_only = on")
    return Mend(
        scene.draw.uniform(1, scene.patience),
        lambda: set_read_only(scene, "RESET default_transaction_read_only"),
    )


def set_read_only(scene: Scene, how: str) -> None:
    scene.ground.command(f"ALTER DATABASE {{}} {how}", LIVE)
    cut_connections(scene)


def disk_full(scene: Scene) -> Mend | None:
    disk = scene.ground.small_disk
    if disk is None:
        return None
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as stream:
        for size in (2**20, 2**12, 1):
            with suppress(OSError):
                while stream.write(b"\0" * size):
                    pass
    return Mend(scene.draw.uniform(1, scene.patience), lambda: filler.unlink(missing_ok=True))


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


def strike(name: str, scene: Scene) -> Mend | None:
    """A fault that finds its place broken already has nothing to do."""
    try:
        return FAULTS[name](scene)
    except (psycopg.OperationalError, redis.RedisError):
        return None
