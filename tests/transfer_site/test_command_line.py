"""`manage.py` as a process of its own: how it ends without settings, without a database, and without a reader."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

KEY = "a-key-for-this-test-alone-0123456789-0123456789-0123456789"
NO_SETTINGS = "DATABASE_URL is not set, so this would be the demo"
OF_A_SITE = {
    "SECRET_KEY": KEY,
    "DATABASE_URL": "postgresql://127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def run(data: Path, *words: str, output: int = subprocess.PIPE, **environment: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
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
def test_without_settings_and_without_the_demo_one_sentence_says_what_is_missing(
    tmp_path: Path, words: str
) -> None:
    code, _, said = run(tmp_path, *words.split())
    assert code in (1, 2)
    assert len(said.splitlines()) == 1, said
    assert f"{NO_SETTINGS}, and its database in {tmp_path} does not answer (" in said
    assert "Start the demo with make run; for a site of your own set DATABASE_URL, or link .env" in said


def test_doctor_goes_on_without_settings(tmp_path: Path) -> None:
    code, told, said = run(tmp_path, "doctor")
    assert code == 1
    assert "this is the demo: DATABASE_URL is not set." in told
    assert "Traceback" not in said


@pytest.mark.parametrize("words", ["migrate", "doctor", "check"])
def test_settings_that_are_refused_are_one_sentence(tmp_path: Path, words: str) -> None:
    """As where `.env` is missing in a checkout of root's, in which the user of the site cannot make the demo's key."""
    (tmp_path / "file").write_text("")
    code, _, said = run(tmp_path / "file", words)
    assert code == 1
    assert len(said.splitlines()) == 1, said
    assert said.startswith(
        f"{NO_SETTINGS}, which keeps its secret key in {tmp_path}/file/secret_key, and that"
    )


def test_a_database_of_a_site_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    code, _, said = run(tmp_path, "new_team", "Abacus", "Night", **OF_A_SITE)
    assert code == 1
    assert said.startswith("The database does not answer (")
    assert len(said.splitlines()) == 1, said


def test_whoever_wants_the_traceback_gets_it(tmp_path: Path) -> None:
    assert "Traceback" in run(tmp_path, "migrate", "--traceback")[2]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["check", "doctor", "help"])
def test_a_reader_that_has_gone_away_ends_a_command_quietly(
    tmp_path: Path, words: str, unbuffered: str
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code, _, said = run(tmp_path, words, output=writer, PYTHONUNBUFFERED=unbuffered)
    os.close(writer)
    assert code == 141
    assert "Broken" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("theirs", "ours"), [("changepassword", "set_password USER"), ("createsuperuser", "new_tenant")]
)
def test_what_django_brings_and_cannot_work_here_leads_to_what_does(
    tmp_path: Path, theirs: str, ours: str
) -> None:
    code, _, said = run(tmp_path, theirs, "ada.admin")
    assert code == 1
    assert f"{theirs} is not for this site. Use manage.py {ours}" in said
