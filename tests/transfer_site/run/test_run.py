import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.transfer_site.run.running_site import RunningSite
from transfer_site.run import supervisor
from transfer_site.run.port import answers
from transfer_site.run.processes import Child, Refusal, wait_until

# --- Watching -------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A function that advances the supervisor's clock by a number of seconds."""
    now = [1000.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


class Short(Child):
    """A child whose state the test controls."""

    alive = False

    def kill(self) -> None:
        pass


def pauses(
    service: supervisor.Service, clock: Callable[[float], None], times: int, lives: float = 0
) -> list[float]:
    found = []
    for _ in range(times):
        clock(lives)
        service.check()
        found.append(service.pause)
        clock(service.pause)
        service.check()
    return found


def test_restarts_of_a_child_that_keeps_ending_are_delayed_further_each_time(
    tmp_path: Path, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    starts: list[float] = []
    service = supervisor.Service(Short("The worker", [], log=tmp_path / "log"), lambda: starts.append(1))
    service.begin()
    assert pauses(service, clock, 6) == [2, 4, 8, 16, 30, 30]
    assert len(starts) == 7
    assert "The worker ended and restarts in 2 s" in capsys.readouterr().out


def test_a_child_that_ran_for_long_is_restarted_without_delay(
    tmp_path: Path, clock: Callable[[float], None]
) -> None:
    service = supervisor.Service(Short("The worker", [], log=tmp_path / "log"), lambda: None)
    service.begin()
    assert pauses(service, clock, 3, lives=supervisor.ENOUGH_TIME + 1) == [1, 1, 1]


def test_a_refused_start_is_retried_later(
    tmp_path: Path, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise Refusal("The disk is full.")

    service = supervisor.Service(
        Short("PostgreSQL", [], log=tmp_path / "log"), refuse, started=supervisor.time.monotonic()
    )
    assert pauses(service, clock, 3) == [2, 4, 8]
    assert capsys.readouterr().out.count("The disk is full.") == 3


# --- A start that cannot work -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DATA_DIR": "/proc/nowhere"}, "For the demo, make the directory writable"),
        ({"PORT": "http"}, "Set it to a number from 1 to 65535"),
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "SECRET_KEY is not set, but DATABASE_URL is."),
        (
            {
                "DATABASE_URL": "postgresql://127.0.0.1:1/x",
                "SECRET_KEY": "a-key-for-this-test-alone-" + "0123456789" * 3,
            },
            "PostgreSQL does not answer; start it",
        ),
    ],
)
def test_an_impossible_start_is_explained_without_a_traceback(
    tmp_path: Path, environment: dict[str, str], sentence: str
) -> None:
    site = RunningSite(tmp_path / "data")
    site.start(environment)
    assert site.process.wait(30) == 1
    assert sentence in site.printed()
    assert "Traceback" not in site.printed()


# --- The whole site -------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    site = RunningSite(tmp_path / "data")
    yield site
    if site.process.poll() is None:
        site.process.kill()
        site.process.wait()
    assert wait_until(lambda: not site.children(), 240)
    site.output.close()


@pytest.mark.slow
def test_the_site_starts_recovers_stops_and_starts_again(site: RunningSite) -> None:
    """The first start is interrupted and the last supervisor killed. Neither leaves a process behind."""
    site.start()
    site.wait_for("Preparing the database")
    stop(site, signal.SIGINT)
    assert site.process.returncode == 0
    assert wait_until(lambda: not site.children(), 240)  # including those that were just starting

    site.start()
    site.wait_for("The site is ready")
    assert f"http://localhost:{site.port}" in site.printed()
    assert "creating demo data for 40 users" in site.printed()
    assert wait_until(lambda: answers("127.0.0.1", site.port), 240)

    os.kill(site.child("celery", "worker"), signal.SIGKILL)
    os.kill(site.child("redis-server"), signal.SIGKILL)
    os.kill(site.child("postgres", "-D"), signal.SIGKILL)
    for name in ("The worker", "Redis", "PostgreSQL"):
        site.wait_for(f"{name} is running again.")
    assert wait_until(lambda: answers("127.0.0.1", site.port), 240)

    stop(site, signal.SIGTERM)
    assert site.process.returncode == 0
    assert site.printed().rstrip().endswith("Stopped.")
    assert wait_until(lambda: not site.children(), 240)

    site.start()
    site.wait_for("The site is ready")
    assert "creating demo data" not in site.printed()
    second = RunningSite(site.folder)
    second.port = site.port  # as if run again in another terminal
    second.start()
    assert second.process.wait(30) == 1
    assert re.search(r"already running on .* \(process \d+\)", second.printed())

    site.process.kill()
    site.process.wait()
    assert wait_until(lambda: not site.children(), 240)


def stop(site: RunningSite, number: signal.Signals) -> None:
    site.process.send_signal(number)
    site.process.wait(30)
