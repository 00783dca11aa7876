"""The servers, databases and programs that a chaos run breaks, in one temporary folder."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import psycopg
from psycopg import sql

from tests.harness.chaos.clocked.apps import CLOCK
from tests.harness.chaos.late import A_GOAL
from tests.harness.ports import free_port
from transfer_site.run.embedded import APPLICATION, Postgres, Redis, database_url, redis_url, socket_folder
from transfer_site.run.owner import private_folder
from transfer_site.run.processes import Child, Refusal, wait_until

ROOT = Path(__file__).resolve().parents[3]
APPS = ("tests.harness.chaos.deadly", "tests.harness.chaos.clocked")
WITH_TABLES = ("tests.harness.chaos.foreign", "tests.apps.smallapp", "tests.apps.exampleapp")
TEMPLATE, LIVE, CONTROL = "pristine", "transfer", "control"
# The size of a separate file system for some tables, small enough for a fault to fill it.
SMALL_DISK = "256m"
ON_SMALL_DISK = ("transfers_journalentry", "workforce_agentschedule")


class Program:
    """A program that `look_after` restarts 0.2 to 1.5 seconds after it exits, for whatever reason."""

    def __init__(self, child: Child, ready: bytes) -> None:
        self.child = child
        self.ready_word = ready
        self.begun_at_byte = 0
        self.start_again_at: float | None = None
        self.draw = Random(child.name)
        self.starts = 0

    def start(self) -> None:
        self.begun_at_byte = self.child.log.stat().st_size if self.child.log.exists() else 0
        self.start_again_at = None
        self.starts += 1
        self.child.start()

    @property
    def ready(self) -> bool:
        """Whether the program is alive and has logged `ready_word` since its last start."""
        if not self.child.alive or not self.child.log.exists():
            return False
        with self.child.log.open("rb") as log:
            log.seek(self.begun_at_byte)
            return self.ready_word in log.read(200_000)

    def look_after(self) -> None:
        if self.start_again_at is None and not self.child.alive:
            self.start_again_at = time.monotonic() + self.draw.uniform(0.2, 1.5)
        elif self.start_again_at is not None and time.monotonic() > self.start_again_at:
            self.child.kill()  # kills what is left of its process group, as a service manager does
            self.start()


class Ground:
    """The servers and programs of a chaos run.

    `port` is the port of the web server. Once started, `programs` has the keys web, worker1, worker2 and scheduler.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = Postgres(folder)
        self.redis = Redis(folder)
        self.port = 0
        self.programs: dict[str, Program] = {}
        self.small_disk: Path | None = None

    def make_programs(self) -> Iterator[Program]:
        celery = [sys.executable, "-m", "celery", "--app=transfer_site"]
        gunicorn = [sys.executable, "-m", "gunicorn", "transfer_site.wsgi:application"]
        flags = [
            "--workers=2",
            "--worker-class=gthread",
            "--threads=4",
            "--timeout=60",
            "--no-control-socket",
        ]
        yield self.program("web", [*gunicorn, f"--bind=127.0.0.1:{self.port}", *flags], b"Booting worker")
        for name in ("worker1", "worker2"):
            flags = ["--concurrency=1", "--without-mingle", "--without-gossip"]
            yield self.program(name, [*celery, "worker", f"--hostname={name}@localhost", *flags], b" ready.")
        flags = [f"--schedule={self.folder / 'beat-schedule'}", "--pidfile="]
        yield self.program("scheduler", [*celery, "beat", *flags], b"beat: Starting")

    def program(self, name: str, command: list[str], ready: bytes) -> Program:
        log = self.folder / "log" / f"{name}.log"
        environment = {
            "PROCESS_NAME": f"chaos-{name}",
            CLOCK: str(self.clock(name)),
            "DATABASE_URL": database_url(
                self.folder, LIVE, user=APPLICATION
            ),  # as in production, a role that does not own the tables
        }
        return Program(Child(name, command, log=log, environment=environment), ready)

    def clock(self, name: str) -> Path:
        """Return the path of the file that holds the program's clock offset."""
        return self.folder / f"clock-{name}"

    # --- Servers ----------------------------------------------------------------------------------------------------

    def start_servers(self) -> None:
        self.postgres.start()
        self.redis.start()

    def restart_dead_servers(self) -> bool:
        """Restart the servers that have died, and return whether there were any."""
        restarted = [self.restart_dead(server) for server in (self.postgres, self.redis)]
        return any(restarted)

    def restart_dead(self, server: Postgres | Redis) -> bool:
        """Restart the server, but only if it is dead: a second process would take over the socket of the first."""
        if server.child.alive:
            return False
        server.start()
        return True

    def start_programs(self, *, fresh: bool = True) -> None:
        if fresh:
            self.fresh(LIVE)
        self.port = free_port()
        self.programs = {program.child.name: program for program in self.make_programs()}
        for program in self.programs.values():
            program.start()
        ready = wait_until(lambda: all(program.ready for program in self.programs.values()), 90)
        if not ready:
            logs = "\n".join(program.child.tail(8) for program in self.programs.values())
            raise Refusal(f"The programs did not start:\n{logs}")

    def servers_up(self) -> bool:
        return self.postgres.child.alive and self.redis.child.alive and self.redis.answers()

    def look_after(self) -> None:
        for program in self.programs.values():
            program.look_after()

    def workers(self) -> list[Program]:
        return [program for name, program in self.programs.items() if name.startswith("worker")]

    def in_order(self) -> bool:
        """Return whether transfers can proceed: both servers, the scheduler and at least one worker are up."""
        others = self.programs["scheduler"].ready and any(worker.ready for worker in self.workers())
        return others and self.servers_up()

    def connect(self, name: str = LIVE) -> psycopg.Connection:
        address = database_url(self.folder, name)
        return psycopg.connect(address, autocommit=True, connect_timeout=5, application_name="chaos")

    # --- Databases --------------------------------------------------------------------------------------------------

    def make_template(self, users: int, scale: float, seed: int, *, small_disk: bool = True) -> None:
        self.postgres.ensure_roles()
        self.command("CREATE DATABASE {}", LIVE)
        self.manage("migrate", "--noinput", "-v0")
        self.manage("collectstatic", "--noinput", "-v0")
        words = ["--users", str(users), "--scale", str(scale), "--seed", str(seed)]
        self.manage("seed_demo", "-v0", "--force-on-a-real-database", *words)
        with self.connect() as connection:
            connection.execute(A_GOAL)
        if small_disk:
            self.make_small_disk()
        self.command("ALTER DATABASE {} RENAME TO {}", LIVE, TEMPLATE)

    def make_small_disk(self) -> None:
        """Move some tables to a small file system. `small_disk` stays None if it cannot be mounted."""
        place = self.folder / "small-disk"
        private_folder(place, self.postgres.owner)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "none", str(place)]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            return
        self.small_disk = place
        inside = place / "tables"
        private_folder(inside, self.postgres.owner)
        with self.connect() as connection:
            connection.execute(
                sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(inside)))
            )
            for table in ON_SMALL_DISK:
                connection.execute(
                    sql.SQL("ALTER TABLE {} SET TABLESPACE small").format(sql.Identifier(table))
                )

    def fresh(self, name: str) -> None:
        """Drop the database and its connections, if any, and create it again as a copy of the template."""
        self.command("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self.command("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, TEMPLATE)

    def drop(self, name: str) -> None:
        self.command("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def command(self, statement: str, *names: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def manage(self, *words: str) -> None:
        subprocess.run([sys.executable, str(ROOT / "manage.py"), *words], cwd=ROOT, check=True)

    # --- The end ----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop and remove everything. This method may be called twice, and after an incomplete start."""
        for program in self.programs.values():
            program.child.kill()
        self.redis.stop()
        self.postgres.stop(immediate=True, patience=20)
        if self.small_disk:
            subprocess.run(["umount", str(self.small_disk)], check=False)
            self.small_disk = None
        if socket_folder(self.folder) != self.folder / "run":
            shutil.rmtree(socket_folder(self.folder), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def ground(*apps: str) -> Iterator[Ground]:
    """Start the servers but not the programs, and stop and remove everything after the block.

    The site has the data types of these apps besides its own.
    """
    folder = Path(tempfile.mkdtemp(prefix="transfer-chaos-"))
    prepare_environment(folder, apps)
    made = Ground(folder)
    try:
        made.start_servers()
        yield made
    finally:
        with suppress(KeyboardInterrupt):
            made.stop()


def prepare_environment(folder: Path, apps: Sequence[str]) -> None:
    """Set the environment of this process and every program, before any of them reads Django's settings."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="transfer_site.settings",
        DATABASE_URL=database_url(folder, LIVE),
        APPLICATION_ROLE=APPLICATION,
        REDIS_URL=redis_url(folder),
        DATA_DIR=str(folder),
        SECRET_KEY="for chaos only, and long enough to be taken for a real one",
        ALLOWED_HOSTS="localhost,127.0.0.1",
        EXTRA_APPS=",".join([*APPS, *apps]),
        DEBUG="0",
        HTTPS="0",
        HASHED_STATIC="0",
        PROCESS_NAME="chaos",
        PYTHONPATH=str(ROOT),
    )
