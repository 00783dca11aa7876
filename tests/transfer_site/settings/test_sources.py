import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from transfer_site.settings import sources


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://ana:s%40fe@db.example.org:5433/moves?sslmode=require",
            {"NAME": "moves", "USER": "ana", "PASSWORD": "s@fe", "HOST": "db.example.org", "PORT": "5433"},
        ),
        (
            "postgres://db.example.org/moves",
            {"NAME": "moves", "USER": "", "HOST": "db.example.org", "PORT": ""},
        ),
        (
            "postgresql:///moves?host=/srv/A%20b/run&user=postgres",
            {"NAME": "moves", "USER": "postgres", "HOST": "/srv/A b/run"},
        ),
        ("host=/srv/run dbname=moves user=ana", {"NAME": "moves", "USER": "ana", "HOST": "/srv/run"}),
    ],
)
def test_database(url: str, expected: dict[str, str]) -> None:
    found = sources.database(url, application_name="transfer-web")
    assert {name: found[name] for name in expected} == expected
    assert found["OPTIONS"]["application_name"] == "transfer-web"


def test_database_keeps_the_other_options() -> None:
    found = sources.database("postgresql://h/n?sslmode=require&connect_timeout=3", application_name="x")
    options = {name: found["OPTIONS"][name] for name in ("sslmode", "connect_timeout", "application_name")}
    assert options == {"sslmode": "require", "connect_timeout": "3", "application_name": "x"}


def test_a_vanished_server_is_detected_within_half_a_minute() -> None:
    asked = sources.database("postgresql://h/n", application_name="x")["OPTIONS"]
    idle, interval, count = (int(asked[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert idle + interval * count <= 30
    assert int(asked["tcp_user_timeout"]) <= 30_000
    assert int(asked["connect_timeout"]) <= 5


def test_an_unreadable_env_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    sources.refuse_unreadable(file)
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ImproperlyConfigured, match="cannot read it"):
        sources.refuse_unreadable(file)
    (tmp_path / "elsewhere").touch()
    sources.refuse_unreadable(file)


def test_an_invalid_url_is_reported_without_its_password() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not valid") as found:
        sources.database("postgresql://ana:p%zz@h/n", application_name="x")
    assert "p%zz" not in str(found.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:6379/2", "redis://h:6379/2"),
        ("rediss://:pw@h/0", "rediss://:pw@h/0"),
        ("unix:///srv/run/redis.sock", "redis+socket:///srv/run/redis.sock?virtual_host=0"),
        ("unix:///srv/a%20b/redis.sock?db=3", "redis+socket:///srv/a%20b/redis.sock?virtual_host=3"),
    ],
)
def test_broker(url: str, expected: str) -> None:
    assert sources.broker(url) == expected


def test_another_kind_of_broker_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="redis://, rediss:// or unix://"):
        sources.broker("amqp://h/")


def test_the_demo_key_is_created_once_and_private(tmp_path: Path) -> None:
    first = sources.demo_secret_key(tmp_path / "new")
    assert len(first) >= 50
    assert sources.demo_secret_key(tmp_path / "new") == first
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["secret_key"]


def test_the_first_of_two_processes_creates_the_key(tmp_path: Path) -> None:
    sources.write_once(tmp_path / "secret_key", "first")
    sources.write_once(tmp_path / "secret_key", "second")
    assert sources.demo_secret_key(tmp_path) == "first"


def test_an_unusable_folder_for_the_key_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match="set DATA_DIR to another directory"):
        sources.demo_secret_key(tmp_path / "file")


def test_role_of_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sources.role("postgresql://ana:pw@h/n") == "ana"
    assert sources.role("postgresql:///n?host=/srv&user=bo") == "bo"
    monkeypatch.setenv("PGUSER", "cy")
    assert sources.role("postgresql://h/n") == "cy"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("manage.py migrate --noinput", True),
        ("/srv/site/manage.py seed_demo", True),
        ("/usr/lib/django/__main__.py migrate", True),
        ("manage.py operator add ada.admin", True),
        ("manage.py check --database default", False),
        ("manage.py", False),
        ("celery --app=transfer_site worker", False),
        ("gunicorn migrate", False),
    ],
)
def test_commands_that_connect_as_owner(line: str, expected: bool) -> None:
    assert sources.is_for_owner(line.split()) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("app.user_id=0,app.source=transfer", {"app.user_id": "0", "app.source": "transfer"}),
        (" App.User_ID = 0 , a.b.c= , ", {"app.user_id": "0", "a.b.c": ""}),
        ("app.query=a=b", {"app.query": "a=b"}),
    ],
)
def test_session_settings(text: str, expected: dict[str, str]) -> None:
    assert sources.session_settings(text) == expected


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("app.user_id", "'app.user_id' has no value"),
        ("work_mem=1GB", "'work_mem=1GB' is not a custom setting"),
        ("app.=1", "is not a custom setting"),
        ("app.user id=1", "is not a custom setting"),
        ("app.1=1", "is not a custom setting"),
        ("=1", "is not a custom setting"),
        ("Transfers.Tenant=*", "is a setting of this program"),
        ("app.a=1,APP.A=2", "'APP.A=2' is given twice"),
    ],
)
def test_a_wrong_session_setting_says_what_to_write(text: str, wrong: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="for example app.user_id=0,app.source=transfer") as found:
        sources.session_settings(text)
    assert wrong in str(found.value)
