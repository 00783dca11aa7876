"""`manage.py doctor` on the servers of the tests: what is well, and what it says when something is not."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import redis
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from accounts.limits import WITHOUT_ADDRESS, seconds_to_wait
from operations import health, tasks
from operations.doctor import Finding, Level, examine, machine, postgresql, redis_and_workers, settings
from operations.models import Mail
from tests.transfers.cast import Cast, transfer
from transfers.engine.locks import FREE_SOON
from transfers.models import State, Transfer

pytestmark = pytest.mark.django_db


def run(*words: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("doctor", *words, stdout=out)
    except CommandError as error:
        return out.getvalue() + str(error), error.returncode
    return out.getvalue(), 0


def levels() -> dict[str, Level]:
    return {finding.what: finding.level for finding in examine()}


def test_on_a_healthy_site_nothing_is_wrong(settings: Settings) -> None:
    settings.DEMO = True  # the tests speak http, and PostgreSQL's own superuser
    tasks.sign_of_life()
    text, code = run()
    assert code == 0, text
    assert "nothing is wrong" in text
    assert all(level is not Level.WRONG for level in levels().values())


def test_every_remark_says_what_to_do(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    bad = [finding for finding in examine() if finding.level is not Level.OK]
    assert bad
    assert all(finding.do for finding in bad)


@pytest.mark.django_db(transaction=True)
def test_on_a_database_that_may_only_be_read_it_goes_on_and_says_so() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        text, code = run()
    finally:
        connection.close()
    assert code == 1
    assert (
        "could not be looked at. The database cannot do this now (cannot execute CREATE TABLE in a read-only"
        in text
    )
    assert "connections: " in text


def test_on_a_database_without_a_table_it_goes_on_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a restore, before `migrate`."""

    def of_a_release_to_come() -> Finding:
        postgresql.row("SELECT FROM operations_of_tomorrow")
        raise AssertionError

    monkeypatch.setattr(postgresql, "role", of_a_release_to_come)
    monkeypatch.setattr(redis_and_workers, "signs_of_life", lambda: iter(()))
    found = {finding.what: finding for finding in examine()}
    assert found["tables"].level is Level.WRONG
    assert '"operations_of_tomorrow" does not exist' in found["tables"].says
    assert "Redis" in found


def test_without_workers_it_ends_with_1_and_says_what_to_start() -> None:
    text, code = run()
    assert code == 1
    assert "WRONG  workers: no worker, or no clock: none was ever seen." in text
    assert "celery -A transfer_site worker" in text


def test_without_the_database_the_rest_is_still_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> bool:
        raise OperationalError("gone")

    monkeypatch.setattr("operations.doctor.database", away)
    found = levels()
    assert found["PostgreSQL"] is Level.WRONG
    assert found["Redis"] is Level.OK
    assert "disk" in found


def test_strict_minds_every_remark(settings: Settings) -> None:
    settings.DEMO, settings.EMAIL_URL = True, ""
    tasks.sign_of_life()
    assert run()[1] == 0
    assert run("--strict")[1] == 1


def test_no_secret_is_shown(settings: Settings) -> None:
    settings.METRICS_TOKEN = "short-token"
    settings.SECRET_KEY = "k" * 60
    text, _ = run()
    assert "short-token" not in text
    assert "kkkk" not in text


# --- One thing at a time ---------------------------------------------------------------------------------------------

Look = Callable[[], Finding]


@pytest.mark.parametrize(
    ("look", "change", "level"),
    [
        (settings.debug, {"DEBUG": True}, Level.WRONG),
        (settings.debug, {"DEBUG": False}, Level.OK),
        (settings.hosts, {"ALLOWED_HOSTS": ["*"]}, Level.WRONG),
        (settings.https, {"HTTPS": False, "DEMO": False}, Level.WRONG),
        (settings.https, {"HTTPS": True, "DEMO": False, "TRUST_PROXY": True}, Level.OK),
        (settings.https, {"HTTPS": True, "DEMO": False, "TRUST_PROXY": False}, Level.WARNING),
        (settings.https, {"HTTPS": True, "DEMO": True, "TRUST_PROXY": False}, Level.OK),
        (settings.site_url, {"SITE_URL": ""}, Level.WARNING),
        (settings.metrics_token, {"METRICS_TOKEN": "x" * 31}, Level.WRONG),
        (settings.metrics_token, {"METRICS_TOKEN": "x" * 32}, Level.OK),
        (settings.mail, {"EMAIL_URL": ""}, Level.WARNING),
        (
            settings.mail,
            {
                "EMAIL_URL": "smtp://127.0.0.1:1",
                "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "EMAIL_HOST": "127.0.0.1",
                "EMAIL_PORT": 1,
            },
            Level.WRONG,
        ),
        (machine.static_files, {"HASHED_STATIC": True}, Level.WARNING),
        (settings.addresses, {"TRUST_PROXY": False, "WEB_BIND": "unix:/run/transfer/web.sock"}, Level.WRONG),
        (settings.addresses, {"TRUST_PROXY": True, "WEB_BIND": "unix:/run/transfer/web.sock"}, Level.OK),
        (settings.addresses, {"TRUST_PROXY": False, "WEB_BIND": "127.0.0.1:8000"}, Level.OK),
    ],
)
def test_settings_one_by_one(
    request: pytest.FixtureRequest, look: Look, change: dict[str, Any], level: Level
) -> None:
    in_place = request.getfixturevalue("settings")
    for name, value in change.items():
        setattr(in_place, name, value)
    assert look().level is level


def test_strangers_without_an_address_were_seen(settings: Any) -> None:
    """The web server is told its socket by another unit; what came in through it is known all the same."""
    settings.TRUST_PROXY, settings.RATE_LIMITS = False, {"sign-in": "2/hour"}
    in_place = {finding.what: finding for finding in examine()}["client addresses"]
    assert in_place.level is Level.OK
    seconds_to_wait("sign-in", WITHOUT_ADDRESS)
    try:
        found = {finding.what: finding for finding in examine()}["client addresses"]
    finally:
        forget_limits()
    assert found.level is Level.WRONG
    assert "TRUST_PROXY=1" in found.do


def forget_limits() -> None:
    with redis.Redis.from_url(configured.REDIS_URL) as client:
        for key in client.scan_iter("*transfer-limits*"):
            client.delete(key)


@pytest.mark.parametrize(("demo", "level"), [(False, Level.WRONG), (True, Level.OK)])
def test_a_role_with_all_power_is_wrong_outside_of_the_demo(
    as_owner: None, settings: Settings, demo: bool, level: Level
) -> None:
    settings.DEMO = demo
    assert postgresql.role().level is level


def test_the_role_of_the_application_is_right() -> None:
    assert postgresql.role().level is Level.OK


def test_a_time_out_that_would_cut_off_a_chunk_is_wrong() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '30s'")
        found = {finding.what: finding for finding in postgresql.time_outs()}
    assert found["statement_timeout"].level is Level.WRONG
    assert "ALTER ROLE" in found["statement_timeout"].do
    assert found["idle_in_transaction_session_timeout"].level is Level.OK


@pytest.mark.parametrize(("idle", "level"), [("0", Level.OK), ("10", Level.OK), ("7200", Level.WARNING)])
def test_a_machine_that_is_cut_off_must_be_noticed(
    monkeypatch: pytest.MonkeyPatch, idle: str, level: Level
) -> None:
    """Or what a page had locked stays so for hours: what a system does by default."""
    known = {"tcp_keepalives_idle": idle, "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
    monkeypatch.setattr(postgresql, "row", lambda statement, names: (known[names[0]],))
    found = postgresql.dead_peers()
    assert found.level is level
    assert level is Level.OK or "SET tcp_keepalives_idle = 10;" in found.do


def test_a_worker_sees_to_that_itself() -> None:
    """Which is why the finding speaks of web servers."""
    with connection.cursor() as cursor:
        cursor.execute(FREE_SOON)
        idle, interval, count = map(int, cursor.fetchone()[:3])
    assert idle + interval * count <= postgresql.LONGEST_SILENCE


def test_sessions_of_other_roles_are_counted() -> None:
    """The tests sign in as PostgreSQL's own superuser, so that their own session is another role's."""
    assert not postgresql.room().says.startswith("0 of")


def test_what_the_role_is_not_shown_is_not_called_well(as_owner: None) -> None:
    assert postgresql.long_transactions().says == "none is open for long."
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE transfer")
    assert 'GRANT pg_read_all_stats TO "transfer";' in postgresql.long_transactions().says


def test_an_index_that_was_not_finished_is_found(as_owner: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'transfer_by_tenant'::regclass"
        )
    (found,) = postgresql.broken_indexes()
    assert found.do == "REINDEX INDEX CONCURRENTLY transfer_by_tenant;"


def test_a_direct_connection_is_no_pool() -> None:
    assert postgresql.pool().level is Level.OK


def test_a_pool_that_changes_the_server_process_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = iter((7, 7, 8))
    monkeypatch.setattr(postgresql, "backend", lambda session: next(processes))
    assert postgresql.pool().level is Level.WRONG


def test_migrations_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrations", lambda: False)
    assert postgresql.migrations().level is Level.WRONG


def test_a_transfer_that_waits_for_long_is_named(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), state=State.QUEUED)
    assert redis_and_workers.waiting().level is Level.OK
    Transfer.objects.filter(pk=made.pk).update(confirmed_at=timezone.now() - timedelta(minutes=5))
    assert f"transfer {made.pk} has waited" in redis_and_workers.waiting().says


def test_mails_that_cannot_be_sent_are_counted() -> None:
    Mail.objects.create(transfer_id=1, attempts=3, last_error="ConnectionRefusedError")
    assert "1 could not be sent yet (ConnectionRefusedError)" in redis_and_workers.mails().says


def test_a_full_disk_and_a_folder_that_cannot_be_written(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine.room(tmp_path / "not" / "there").level is not None
    monkeypatch.setattr(machine, "LITTLE", 2**80)
    assert machine.room(tmp_path).level is Level.WRONG
    monkeypatch.setattr("os.access", lambda *args: False)
    assert machine.room(tmp_path).what == "DATA_DIR"


@pytest.mark.parametrize(("user", "says_so"), [(0, True), (1000, False)])
def test_root_cannot_say_whether_the_site_may_write(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, user: int, says_so: bool
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert ("only doctor as the site's own user can say" in machine.room(tmp_path).says) is says_so


@pytest.mark.parametrize(
    ("reset_by_mail", "said"), [(False, "users cannot set a password"), (True, "not set.")]
)
def test_without_mail_it_says_what_users_cannot_do(
    settings: Settings, reset_by_mail: bool, said: str
) -> None:
    """The demo reads its mails in files, links to a password among them."""
    settings.EMAIL_URL = ""
    settings.PASSWORD_RESET_BY_MAIL = reset_by_mail
    found = next(finding for finding in examine() if finding.what == "mail")
    assert found.level is Level.WARNING
    assert said in found.says
    assert ("manage.py set_password" in found.do) is not reset_by_mail
