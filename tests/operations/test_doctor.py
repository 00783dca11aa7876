"""`manage.py doctor` on the test servers, healthy and broken."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import redis
from django.conf import settings as configured
from django.core.checks import ERROR, INFO, WARNING, CheckMessage
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from operations import tasks
from operations.doctor import examine, journal, machine, postgresql, redis_and_workers, settings
from operations.models import Mail
from operations.monitoring import health
from tests.fixtures.cast import Cast, transfer
from transfers.engine.locks import DETECT_DEAD_PEER
from transfers.models import JournalEntry, State, Transfer
from web.rate_limits import WITHOUT_ADDRESS, seconds_to_wait

pytestmark = pytest.mark.django_db


def run_doctor(*words: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("doctor", *words, stdout=out)
    except CommandError as error:
        return out.getvalue() + str(error), error.returncode
    return out.getvalue(), 0


def levels() -> dict[str, int]:
    return {finding.id: finding.level for finding in examine()}


def test_a_healthy_site_has_no_errors(settings: Settings) -> None:
    settings.DEMO = True  # allows http and a superuser's session, which the tests use
    tasks.heartbeat()
    text, code = run_doctor()
    assert code == 0, text
    assert ": 0 errors, " in text
    assert all(level < ERROR for level in levels().values())


def test_every_problem_has_a_hint(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    problems = [finding for finding in examine() if finding.level > INFO and finding.id.startswith("doctor.")]
    assert "doctor.redis" in [finding.id for finding in problems]
    assert all(finding.hint for finding in problems)


@pytest.mark.django_db(transaction=True)
def test_it_continues_on_a_read_only_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        text, code = run_doctor()
    finally:
        connection.close()
    assert code == 1
    assert (
        "The checks of the database could not run. The database cannot do this now (cannot execute CREATE TABLE in"
        in text
    )
    assert "connections are in use. (doctor.connections)" in text


def test_it_continues_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of a newer release is missing after an older backup is restored, until `migrate` runs."""

    def check_of_a_later_release() -> CheckMessage:
        postgresql.row("SELECT FROM operations_missing")
        raise AssertionError

    monkeypatch.setattr(postgresql, "role", check_of_a_later_release)
    for module, name in ((redis_and_workers, "heartbeats"), (journal, "findings")):
        monkeypatch.setattr(module, name, lambda: iter(()))
    found = {finding.id: finding for finding in examine()}
    assert found["doctor.tables"].level == ERROR
    assert '"operations_missing" does not exist' in found["doctor.tables"].msg
    assert "doctor.redis" in found


def test_without_workers_it_fails_and_says_what_to_start() -> None:
    text, code = run_doctor()
    assert code == 1
    assert (
        "ERROR   Either the scheduler or every worker is down: there has been no heartbeat yet. (doctor.workers)"
        in text
    )
    assert "celery -A transfer_site worker" in text


def test_without_the_database_the_rest_is_still_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    def database_down() -> bool:
        raise OperationalError("gone")

    monkeypatch.setattr("operations.doctor.database", database_down)
    found = levels()
    assert found["doctor.postgresql"] == ERROR
    assert found["doctor.redis"] == INFO
    assert "doctor.disk" in found


def test_strict_fails_on_warnings(settings: Settings) -> None:
    settings.DEMO, settings.EMAIL_URL = True, ""
    tasks.heartbeat()
    assert run_doctor()[1] == 0
    assert run_doctor("--strict")[1] == 1


def test_no_secret_is_shown(settings: Settings) -> None:
    settings.METRICS_TOKEN = "short-token"
    settings.SECRET_KEY = "k" * 60
    text, _ = run_doctor()
    assert "short-token" not in text
    assert "kkkk" not in text


# --- Single checks ---------------------------------------------------------------------------------------------------

Check = Callable[[], CheckMessage]


@pytest.mark.parametrize(
    ("check", "change", "level"),
    [
        (settings.debug, {"DEBUG": True}, ERROR),
        (settings.debug, {"DEBUG": False}, INFO),
        (settings.hosts, {"ALLOWED_HOSTS": ["*"]}, ERROR),
        (settings.https, {"HTTPS": False, "DEMO": False}, ERROR),
        (settings.https, {"HTTPS": True, "DEMO": False, "TRUST_PROXY": True}, INFO),
        (settings.https, {"HTTPS": True, "DEMO": False, "TRUST_PROXY": False}, WARNING),
        (settings.https, {"HTTPS": True, "DEMO": True, "TRUST_PROXY": False}, INFO),
        (settings.site_url, {"SITE_URL": ""}, WARNING),
        (settings.metrics_token, {"METRICS_TOKEN": "x" * 31}, ERROR),
        (settings.metrics_token, {"METRICS_TOKEN": "x" * 32}, INFO),
        (settings.email, {"EMAIL_URL": ""}, WARNING),
        (
            settings.email,
            {
                "EMAIL_URL": "smtp://127.0.0.1:1",
                "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "EMAIL_HOST": "127.0.0.1",
                "EMAIL_PORT": 1,
            },
            ERROR,
        ),
        (machine.static_files, {"HASHED_STATIC": True}, WARNING),
        (settings.addresses, {"TRUST_PROXY": False, "WEB_BIND": "unix:/run/transfer/web.sock"}, ERROR),
        (settings.addresses, {"TRUST_PROXY": True, "WEB_BIND": "unix:/run/transfer/web.sock"}, INFO),
        (settings.addresses, {"TRUST_PROXY": False, "WEB_BIND": "127.0.0.1:8000"}, INFO),
    ],
)
def test_single_settings(
    request: pytest.FixtureRequest, check: Check, change: dict[str, Any], level: int
) -> None:
    in_place = request.getfixturevalue("settings")
    for name, value in change.items():
        setattr(in_place, name, value)
    assert check().level == level


def test_clients_without_an_address_are_noticed(settings: Any) -> None:
    """If WEB_BIND is set only for the web server, the doctor infers a Unix socket from requests without an address."""
    settings.TRUST_PROXY, settings.RATE_LIMITS = False, {"sign-in": "2/hour"}
    in_place = {finding.id: finding for finding in examine()}["doctor.addresses"]
    assert in_place.level == INFO
    seconds_to_wait("sign-in", WITHOUT_ADDRESS)
    try:
        found = {finding.id: finding for finding in examine()}["doctor.addresses"]
    finally:
        clear_rate_limits()
    assert found.level == ERROR
    assert "TRUST_PROXY=1" in found.hint


def clear_rate_limits() -> None:
    with redis.Redis.from_url(configured.REDIS_URL) as client:
        for key in client.scan_iter("*transfer-limits*"):
            client.delete(key)


@pytest.mark.parametrize(("demo", "level"), [(False, ERROR), (True, INFO)])
def test_a_superuser_role_is_an_error_outside_the_demo(
    as_owner: None, settings: Settings, demo: bool, level: int
) -> None:
    settings.DEMO = demo
    assert postgresql.role().level == level


def test_the_application_role_is_fine() -> None:
    assert postgresql.role().level == INFO


def test_a_timeout_that_would_cancel_a_chunk_is_an_error() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '30s'")
        found = {finding.id: finding for finding in postgresql.timeouts()}
    assert found["doctor.statement_timeout"].level == ERROR
    assert "ALTER ROLE" in found["doctor.statement_timeout"].hint
    assert found["doctor.idle_in_transaction_session_timeout"].level == INFO


@pytest.mark.parametrize(("idle", "level"), [("0", INFO), ("10", INFO), ("7200", WARNING)])
def test_slow_detection_of_dead_peers_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, idle: str, level: int
) -> None:
    """With the usual system defaults, the locks of a web server that has vanished would be held for hours."""
    values = {"tcp_keepalives_idle": idle, "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
    monkeypatch.setattr(postgresql, "row", lambda statement, names: (values[names[0]],))
    found = postgresql.dead_peers()
    assert found.level == level
    assert level == INFO or "SET tcp_keepalives_idle = 10;" in found.hint


def test_workers_set_keepalives_themselves() -> None:
    """Therefore the warning about slow detection of dead peers concerns web servers only."""
    with connection.cursor() as cursor:
        cursor.execute(DETECT_DEAD_PEER)
        idle, interval, count = map(int, cursor.fetchone()[:3])
    assert idle + interval * count <= postgresql.MAX_DEAD_PEER_SECONDS


def test_sessions_of_other_roles_are_counted() -> None:
    """The tests connect as the superuser, so their session does not belong to the application's role."""
    assert not postgresql.connections().msg.startswith("0 of")


def test_transactions_hidden_from_the_role_are_mentioned(as_owner: None) -> None:
    assert postgresql.long_transactions().msg == "No transaction has been open for long."
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE transfer")
    assert 'GRANT pg_read_all_stats TO "transfer";' in postgresql.long_transactions().msg


def test_an_invalid_index_is_found(as_owner: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'transfer_by_tenant'::regclass"
        )
    (found,) = postgresql.invalid_indexes()
    assert found.hint == "REINDEX INDEX CONCURRENTLY transfer_by_tenant;"


def test_a_direct_connection_is_no_pooler() -> None:
    assert postgresql.pooling().level == INFO


def test_a_pooler_that_changes_the_server_process_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pids = iter((7, 7, 8))
    monkeypatch.setattr(postgresql, "backend_pid", lambda session: next(pids))
    assert postgresql.pooling().level == ERROR


def test_unapplied_migrations_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrations", lambda: False)
    assert postgresql.migrations().level == ERROR


def test_a_transfer_that_has_waited_long_is_named(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), state=State.QUEUED)
    assert redis_and_workers.waiting_transfers().level == INFO
    Transfer.objects.filter(pk=made.pk).update(confirmed_at=timezone.now() - timedelta(minutes=5))
    assert (
        f"Transfer {made.number} of Abacus (in logs {made.pk}) has been waiting"
        in redis_and_workers.waiting_transfers().msg
    )


def test_unsent_emails_are_counted() -> None:
    Mail.objects.create(transfer_id=1, attempts=3, last_error="ConnectionRefusedError")
    assert (
        "1 email could not be sent so far (ConnectionRefusedError)" in redis_and_workers.unsent_emails().msg
    )


def test_a_full_disk_and_an_unwritable_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.disk(tmp_path / "not" / "there").level in (INFO, ERROR)
    monkeypatch.setattr(machine, "MIN_FREE_BYTES", 2**80)
    assert machine.disk(tmp_path).level == ERROR
    monkeypatch.setattr("os.access", lambda *args: False)
    assert machine.disk(tmp_path).id == "doctor.data_dir"


@pytest.mark.parametrize(("user", "mentioned"), [(0, True), (1000, False)])
def test_as_root_it_cannot_check_write_access(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, user: int, mentioned: bool
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert ("Run doctor as the site's user" in machine.disk(tmp_path).msg) is mentioned


@pytest.mark.parametrize(
    ("reset_by_mail", "text"), [(False, "Users cannot set a password"), (True, "written to files.")]
)
def test_without_a_mail_server_it_says_what_users_cannot_do(
    settings: Settings, reset_by_mail: bool, text: str
) -> None:
    """If password reset by email is on, as in the demo, reset links are written to files; if off, none are created."""
    settings.EMAIL_URL = ""
    settings.PASSWORD_RESET_BY_MAIL = reset_by_mail
    found = next(finding for finding in examine() if finding.id == "doctor.email")
    assert found.level == WARNING
    assert text in found.msg
    assert ("manage.py set_password" in found.hint) is not reset_by_mail


@pytest.mark.parametrize(("days", "level"), [(31, INFO), (33, WARNING)])
def test_a_journal_that_housekeeping_leaves_is_reported(cast: Cast, days: int, level: int) -> None:
    written = timezone.now() - timedelta(days=days, hours=1)
    values = {
        "tenant_id": cast.abacus.pk,
        "transfer_id": 1,
        "pair_id": 1,
        "table": "t",
        "what": "moved",
        "n": 1,
    }
    JournalEntry.objects.create(**values, written_at=written)
    (found,) = journal.findings()
    assert found.level == level
    assert f"The oldest entry is {days} days old." in found.msg
    assert (level == INFO) == (found.hint is None)
    assert level == INFO or "manage.py housekeeping" in str(found.hint)
