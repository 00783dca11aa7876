"""`manage.py` as a process: without settings, without a database, and with a closed pipe."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from transfer_site.command_line import main, message_for

KEY = "a-key-for-this-test-alone-0123456789-0123456789-0123456789"
NO_SETTINGS = "DATABASE_URL is not set, so this is the demo"
PRODUCTION = {
    "SECRET_KEY": KEY,
    "DATABASE_URL": "postgresql://127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def run(data: Path, *words: str, output: int = subprocess.PIPE, **environment: str) -> tuple[int, str, str]:
    """Run `manage.py` and return its exit code, standard output and standard error."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, settings.BASE_DIR / "manage.py", *words],
        env={**kept, "DATA_DIR": str(data), "HASHED_STATIC": "0", **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout or "", done.stderr


@pytest.mark.parametrize(
    "words", ["migrate", "new_team Abacus Night", "operator list", "showmigrations", "export_people --by ada"]
)
def test_without_settings_one_line_says_what_is_missing(tmp_path: Path, words: str) -> None:
    code, _, err = run(tmp_path, *words.split())
    assert code in (1, 2)
    assert len(err.splitlines()) == 1, err
    assert f"{NO_SETTINGS}, whose database in {tmp_path} does not answer (" in err
    assert "Start the demo with make run. For your own site, set DATABASE_URL, or link .env" in err


@pytest.mark.parametrize("command", ["set_password", "allow_identifiers", "forget"])
def test_an_argument_in_another_encoding_is_refused(command: str) -> None:
    """Python keeps its bytes as surrogates, which neither PostgreSQL nor a terminal accepts."""
    assert main(["manage.py", command, "M\udcfcller"]) == (
        "The argument 'M\\udcfcller' is not in UTF-8, so nothing was done. Type it again, or rename the file."
    )


def test_doctor_continues_without_settings(tmp_path: Path) -> None:
    code, out, err = run(tmp_path, "doctor")
    assert code == 1
    assert "This is the demo: DATABASE_URL is not set." in out
    assert "Traceback" not in err


@pytest.mark.parametrize("words", ["migrate", "doctor", "check"])
def test_refused_settings_are_reported_on_one_line(tmp_path: Path, words: str) -> None:
    """For example, `.env` is missing, and the site's user cannot create the demo's secret key in root's checkout."""
    (tmp_path / "file").write_text("")
    code, _, err = run(tmp_path / "file", words)
    assert code == 1
    assert len(err.splitlines()) == 1, err
    key = tmp_path / "file" / "secret_key"
    assert err.startswith(f"{NO_SETTINGS}, whose secret key file {key} cannot be used (")


def test_an_unavailable_database_is_reported_on_one_line(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "new_team", "Abacus", "Night", **PRODUCTION)
    assert code == 1
    assert err.startswith("The database does not answer (")
    assert len(err.splitlines()) == 1, err


def test_a_statement_timeout_is_named(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
        with pytest.raises(OperationalError) as ended:
            cursor.execute("SELECT pg_sleep(60)")
    assert message_for(ended.value).startswith(
        "The database ended this command (canceling statement due to statement timeout). If statement_timeout of the"
    )


def test_traceback_option(tmp_path: Path) -> None:
    assert "Traceback" in run(tmp_path, "migrate", "--traceback")[2]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["check", "doctor", "help"])
def test_a_closed_pipe_ends_a_command_quietly(tmp_path: Path, words: str, unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code, _, err = run(tmp_path, words, output=writer, PYTHONUNBUFFERED=unbuffered)
    os.close(writer)
    assert code == 141
    assert "Broken" not in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("command", "replacement"), [("changepassword", "set_password USER"), ("createsuperuser", "new_tenant")]
)
def test_unusable_django_commands_name_their_replacement(
    tmp_path: Path, command: str, replacement: str
) -> None:
    code, _, err = run(tmp_path, command, "ada.admin")
    assert code == 1
    assert f"{command} does not work on this site. Use manage.py {replacement}" in err
