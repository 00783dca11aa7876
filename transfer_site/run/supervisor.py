"""Runs all programs of the site in one terminal: `python -m transfer_site.run`, which is `make run`.

Starts the embedded PostgreSQL if DATABASE_URL is not set, and the embedded Redis if REDIS_URL is not set. Prepares the
database, and keeps the web server, the worker and the scheduler (Celery beat) running until Ctrl-C. Each program has
its own log in DATA_DIR/log.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psycopg
import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from demo.accounts import ACCOUNTS
from operations.fingerprints import OTHER_DATABASE
from transfer_site.run.embedded import Postgres, Redis
from transfer_site.run.port import answers, check_port_free, port_number
from transfer_site.run.processes import STOP_SIGNALS, Child, Refusal, claim, wait_until

PYTHON = sys.executable
ENOUGH_TIME = 60  # seconds that a program has to run to reset its restart delay
LONGEST_PAUSE = 30  # longest restart delay in seconds, for a program that keeps exiting


class Stop(BaseException):
    """Raised to stop the site. This is a BaseException, so that no `except Exception` catches it."""


@dataclass
class Service:
    """A supervised child process, and the function that starts it."""

    child: Child
    start: Callable[[], None]
    pause: float = 1
    started: float = 0
    restart_at: float | None = None

    def begin(self) -> None:
        self.started = time.monotonic()
        self.restart_at = None
        self.start()

    def check(self) -> None:
        """Restart the child if it has ended, after a delay that doubles each time. Called twice a second."""
        now = time.monotonic()
        if self.restart_at is not None:
            if now >= self.restart_at:
                self.restart()
        elif not self.child.alive:
            self.pause = 1 if now - self.started > ENOUGH_TIME else min(self.pause * 2, LONGEST_PAUSE)
            self.restart_at = now + self.pause
            self.child.kill()  # ends the rest of its group, such as a worker's pool
            say(f"{self.child.name} ended and restarts in {self.pause:.0f} s. Its log: {self.child.log}")

    def restart(self) -> None:
        try:
            self.begin()
            say(f"{self.child.name} is running again.")
        except Refusal as refusal:
            say(str(refusal))


@dataclass
class Site:
    """All child processes, in the order in which they start; they are stopped in reverse order."""

    folder: Path
    bind: str
    port: int
    servers: list[Service] = field(default_factory=list)
    programs: list[Service] = field(default_factory=list)

    def start(self) -> None:
        self.start_servers()
        prepare(self.folder)
        for child in (web(self.folder, self.bind, self.port), worker(self.folder), scheduler(self.folder)):
            self.watch(self.programs, Service(child, child.start))
        self.wait_for_page()

    def start_servers(self) -> None:
        """Start the embedded servers, and check that all servers respond."""
        if settings.DEMO:
            postgres = Postgres(self.folder)
            self.watch(self.servers, Service(postgres.child, postgres.start))
            postgres.ensure_database()
        if settings.EMBEDDED_REDIS:
            queue = Redis(self.folder)
            self.watch(self.servers, Service(queue.child, queue.start))
        check_servers_answer()

    def watch(self, place: list[Service], service: Service) -> None:
        """Register the service before starting it, so that `stop` also ends one whose start was interrupted."""
        place.append(service)
        service.begin()

    def wait_for_page(self) -> None:
        page = self.programs[0].child
        if not wait_until(lambda: answers(self.bind, self.port) or not page.alive, 60) or not page.alive:
            raise Refusal(f"The web server did not start. The end of {page.log}:\n{page.tail()}")

    def keep_alive(self) -> None:
        while True:
            for service in [*self.servers, *self.programs]:
                service.check()
            time.sleep(0.5)

    def stop(self) -> None:
        """Stop the programs, then the servers, within ten seconds; kill those that do not stop."""
        stop_together([service.child for service in reversed(self.programs)], 5)
        stop_together([service.child for service in reversed(self.servers)], 4)

    def kill(self) -> None:
        for service in [*self.programs, *self.servers]:
            service.child.kill()


def main() -> int:
    try:
        bind, port = os.environ.get("BIND", "127.0.0.1"), port_number(os.environ.get("PORT", "8000"))
        # Claims the folder before the port is checked, so that a second start is not reported as a taken port.
        with claim(settings.DATA_DIR):
            check_port_free(bind, port)
            return run(Site(settings.DATA_DIR, bind, port))
    except (Refusal, ImproperlyConfigured) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The site could not start: {error}. Its data folder is {settings.DATA_DIR}.", file=sys.stderr)
        return 1


def run(site: Site) -> int:
    """Run the site until Ctrl-C, SIGTERM or SIGHUP; a second signal kills the processes that are left."""
    on_signals(stop_in_order)
    try:
        say(f"Starting; the logs are in {site.folder / 'log'}.")
        site.start()
        say(welcome(site.port))
        site.keep_alive()
    except Stop:
        say("\nStopping (press Ctrl-C again to stop at once) …")
    finally:
        on_signals(lambda number, frame: stop_at_once(site))
        site.stop()
    say("Stopped.")
    return 0


def on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, handler)


def stop_in_order(number: int, frame: FrameType | None) -> None:
    raise Stop


def stop_at_once(site: Site) -> None:
    site.kill()
    os._exit(130)


def stop_together(children: Sequence[Child], patience: float) -> None:
    end = time.monotonic() + patience
    for child in children:
        child.ask_to_stop()
    for child in children:
        if not child.wait(end - time.monotonic()):
            child.kill()


# --- The database, the files, the demo ------------------------------------------------------------------------------


def prepare(folder: Path) -> None:
    say("Preparing the database and the static files …")
    manage(folder, "migrate", "--noinput")
    manage(folder, "collectstatic", "--noinput")
    if settings.DEMO and not has_tenant():
        people, scale = os.environ.get("DEMO_USERS", "500"), os.environ.get("DEMO_SCALE", "1")
        say(f"First start: creating demo data for {people} users …")
        manage(folder, "seed_demo", "--users", people, "--scale", scale)


def check_servers_answer() -> None:
    try:
        psycopg.connect(settings.DATABASE_URL, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        raise Refusal(
            f"PostgreSQL does not answer; start it, or correct DATABASE_URL. The error is: {error}"
        ) from error
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()
    except redis.RedisError as error:
        raise Refusal(
            f"Redis does not answer; start it, or correct REDIS_URL. The error is: {error}"
        ) from error


def manage(folder: Path, *words: str) -> None:
    """Run a `manage.py` command with a new log. If it fails, raise Refusal with the end of the log."""
    log = folder / "log" / f"{words[0]}.log"
    log.unlink(missing_ok=True)
    command = Child(words[0], [PYTHON, str(settings.BASE_DIR / "manage.py"), *words], log=log)
    try:
        command.start()
        code = command.result()
    except BaseException:
        command.kill()
        raise
    if code == OTHER_DATABASE:
        raise Refusal(command.tail(1).removeprefix("CommandError: "))
    if code != 0:
        raise Refusal(f"`manage.py {' '.join(words)}` failed. The end of {log}:\n{command.tail()}")


def has_tenant() -> bool:
    """Return whether a tenant exists, that is, whether the demo has been seeded."""
    with psycopg.connect(settings.MIGRATION_DATABASE_URL) as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM tenancy_tenant)").fetchone()
    return bool(row and row[0])


# --- The programs ---------------------------------------------------------------------------------------------------


def web(folder: Path, bind: str, port: int) -> Child:
    flags = [f"--config={settings.BASE_DIR / 'gunicorn.conf.py'}", "--workers=2", "--threads=4"]
    flags += ["--timeout=60", "--graceful-timeout=3", "--no-control-socket"]
    address = f"[{bind}]:{port}" if ":" in bind else f"{bind}:{port}"
    return program(
        "The web server",
        "web",
        folder,
        "gunicorn",
        "transfer_site.wsgi:application",
        f"--bind={address}",
        *flags,
    )


def worker(folder: Path) -> Child:
    flags = ["--concurrency=2", "--without-mingle", "--without-gossip"]
    return program("The worker", "worker", folder, "celery", "--app=transfer_site", "worker", *flags)


def scheduler(folder: Path) -> Child:
    flags = [f"--schedule={folder / 'beat-schedule'}", "--pidfile="]
    return program("The scheduler", "beat", folder, "celery", "--app=transfer_site", "beat", *flags)


def program(name: str, short: str, folder: Path, module: str, *words: str) -> Child:
    """Return a child process whose sessions pg_stat_activity shows under the name `transfer-{short}`."""
    log = folder / "log" / f"{short}.log"
    return Child(
        name, [PYTHON, "-m", module, *words], log=log, environment={"PROCESS_NAME": f"transfer-{short}"}
    )


# --- What the terminal shows ----------------------------------------------------------------------------------------


def welcome(port: int) -> str:
    return (
        f"\nThe site is ready: http://localhost:{port}\n{https_hint()}{sign_ins()}Ctrl-C stops everything.\n"
    )


def https_hint() -> str:
    if not settings.HTTPS:
        return ""
    return "The site expects an https proxy in front of it. To try the site over http on this machine, set HTTPS=0.\n"


def sign_ins() -> str:
    """Return the demo's sign-ins, one per line; "" if this is not the demo."""
    if not settings.DEMO:
        return ""
    lines = [f"  {person.username:<12} {person.password}   {person.sentence}" for person in ACCOUNTS]
    return "\n".join(["Sign in as", *lines, ""]) + "\n"


def say(text: str) -> None:
    """Print to the terminal, unless it is already closed."""
    with contextlib.suppress(OSError):
        print(text, flush=True)
