"""`make lint` fails on known vulnerabilities, and passes if the vulnerability service cannot be reached.

The tests run their own server, which responds like the OSV database.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.conf import settings

PINNED = f"left-over==1.0 --hash=sha256:{'0' * 64}\n"
VULNERABILITY = {
    "id": "OSV-2026-1",
    "summary": "A vulnerability.",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "left-over", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


class Osv(BaseHTTPRequestHandler):
    vulnerabilities: list[dict] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"vulns": self.vulnerabilities} if self.vulnerabilities else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def osv() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()


def audit(tmp_path: Path, url: str) -> subprocess.CompletedProcess[str]:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(PINNED)
    options = ["--vulnerability-service=osv", f"--osv-url={url}", f"--cache-dir={tmp_path / 'cache'}"]
    return subprocess.run(
        [sys.executable, str(settings.BASE_DIR / ".ci" / "audit"), str(requirements), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_known_vulnerability_fails(tmp_path: Path, osv: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Osv, "vulnerabilities", [VULNERABILITY])
    done = audit(tmp_path, osv)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "left-over 1.0 has the known vulnerability OSV-2026-1, fixed in 1.1." in done.stdout


def test_no_known_vulnerability_passes(tmp_path: Path, osv: str) -> None:
    done = audit(tmp_path, osv)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_an_unreachable_service_passes_with_a_message(tmp_path: Path) -> None:
    done = audit(tmp_path, "http://127.0.0.1:1/v1/query")
    assert done.returncode == 0, done.stderr
    assert "could not check" in done.stdout


def test_lint_runs_the_audit(tmp_path: Path) -> None:
    commands = subprocess.run(
        ["make", "--dry-run", "-o", ".venv/.stamp", "lint"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ".ci/audit requirements/dev.txt" in commands
    assert "bandit" in commands
