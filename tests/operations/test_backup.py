"""R15: a backup taken during a transfer is consistent, and the restored transfer ends like the original.

The steps are those of docs/operations.md: pg_dump while the site runs, pg_restore into another database, start workers.
The roles and the renaming in that guide are not covered, because one role owns everything here.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from tests.conftest import StartWorker, reachable_test_database
from tests.fixtures import records
from tests.fixtures.cast import Cast
from tests.fixtures.running import confirm, upload
from tests.fixtures.with_calls import done, pairs_with_calls
from tests.harness.databases import address, dump, run_python, scratch_database
from tests.harness.promises.conftest import held_up, wait_for_the_middle
from tests.harness.upgrade.looking import Rows, rows_of
from transfer_site.run.embedded import program
from transfer_site.run.processes import wait_until
from transfers import tasks
from transfers.actions import confirming
from transfers.models import Transfer

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

PAIRS, CHUNK = 30, 5


@pytest.fixture
def pairs(cast: Cast) -> list[tuple[User, User]]:
    return pairs_with_calls(cast, PAIRS, 1)


@pytest.fixture
def draft(cast: Cast, pairs: list[tuple[User, User]], monkeypatch: pytest.MonkeyPatch) -> Transfer:
    monkeypatch.setattr(confirming, "CHUNK_PAIRS", CHUNK)
    return upload(cast.ada, *pairs)


@contextmanager
def in_the_middle(draft: Transfer, pairs: list[tuple[User, User]]) -> Iterator[None]:
    """Confirm the draft to wake the workers, and yield when some chunks are done and the third is blocked."""
    with held_up(pairs[12][0]):
        confirm(draft, draft.requested_by)
        wait_for_the_middle()
        assert 0 < done(draft) < PAIRS
        yield


def test_r15_a_backup_in_the_middle_resumes_to_the_same_end(
    draft: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker, tmp_path: Path
) -> None:
    here = connection.settings_dict["NAME"]
    start_worker()
    with in_the_middle(draft, pairs):
        dump(here, tmp_path / "backup.dump", CUSTOM)
    with scratch_database("restored") as elsewhere:
        restore(tmp_path / "backup.dump", elsewhere)
        whole_or_untouched(elsewhere)
        assert states(elsewhere) == ["succeeded"] * 2 * CHUNK + ["pending"] * (PAIRS - 2 * CHUNK)

        finished = run_python(elsewhere, "-c", FINISH, str(draft.pk))
        assert finished.returncode == 0, finished.stderr
        wait_for_the_end(draft)
        assert states(elsewhere) == states(here) == ["succeeded"] * PAIRS
        assert record_tables(elsewhere) == record_tables(here)
        assert kinds_of_events(elsewhere) == kinds_of_events(here)


def test_two_dumps_of_two_moments_are_no_backup(
    draft: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker, tmp_path: Path
) -> None:
    """Prove that the backup test's check can fail: here, the states of the pairs are newer than the records."""
    here = connection.settings_dict["NAME"]
    start_worker()
    with in_the_middle(draft, pairs):
        dump(here, tmp_path / "rows.dump", CUSTOM, "--exclude-table-data=transfers_transferpair")
    wait_for_the_end(draft)
    dump(here, tmp_path / "pairs.dump", CUSTOM, "--data-only", "--table=transfers_transferpair")
    with scratch_database("restored") as elsewhere:
        restore(tmp_path / "rows.dump", elsewhere)
        restore(tmp_path / "pairs.dump", elsewhere)
        with pytest.raises(AssertionError):
            whole_or_untouched(elsewhere)


def wait_for_the_end(transfer: Transfer) -> None:
    assert wait_until(lambda: Transfer.objects.get(pk=transfer.pk).is_final, 240)


CUSTOM = "--format=custom"


def restore(file: Path, name: str) -> None:
    words = ["--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={address(name)}", str(file)]
    subprocess.run([program("pg_restore"), *words], check=True, capture_output=True, text=True)


# What a worker does when it receives a message from the recovery sweep.
FINISH = """
import sys
import django
django.setup()
from transfers.engine.worker import work_on
while work_on(int(sys.argv[1]), seconds=60):
    pass
"""

STATES = "SELECT state FROM transfers_transferpair ORDER BY row_number"
KINDS = "SELECT kind, count(*) FROM audit_auditevent GROUP BY kind ORDER BY kind"
# For each pair: its state, the number of the source's schedules, and the sum of the target's recorded contacts.
PER_PAIR = """
SELECT pair.state,
    (SELECT count(*) FROM workforce_agentschedule WHERE user_id = pair.source_id),
    (SELECT sum(recorded) FROM quality_contactgoalprogress WHERE person_id = pair.target_id)
FROM transfers_transferpair AS pair
"""


def query(name: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address(name)) as session:
        return session.execute(statement).fetchall()


def states(name: str) -> list[str]:
    return [state for (state,) in query(name, STATES)]


def kinds_of_events(name: str) -> list[tuple[Any, ...]]:
    return query(name, KINDS)


def whole_or_untouched(name: str) -> None:
    for state, schedules, recorded in query(name, PER_PAIR):
        assert (schedules, recorded) == ((0, 2) if state == "succeeded" else (1, 1))


def record_tables(name: str) -> Rows:
    """Return the sorted rows of each record table."""
    with psycopg.connect(address(name)) as session:
        return {table: sorted(rows_of(session, table), key=str) for table in records.tables()}


# --- Many workers -----------------------------------------------------------------------------------------------------


def test_workers_that_share_only_the_database_process_one_transfer(
    draft: Transfer, pairs: list[tuple[User, User]], start_worker: StartWorker
) -> None:
    """As on several machines, the workers have separate process groups and connections. While the first worker is
    blocked, the second processes all other chunks."""
    start_worker()
    with in_the_middle(draft, pairs):
        second = start_worker(environment={"DATABASE_URL": reachable_test_database()})
        tasks.run_transfer.delay(draft.pk)
        assert wait_until(lambda: done(draft) == PAIRS - CHUNK, 240), second.tail(40)
    wait_for_the_end(draft)
    assert done(draft) == PAIRS
    whole_or_untouched(connection.settings_dict["NAME"])
