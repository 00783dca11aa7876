"""What pages, emails and the command line say about undoing a transfer."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.fixtures.cast import Cast, signed_in, transfer
from tests.fixtures.running import run_single
from transfers import actions
from transfers.models import Kind
from transfers.results.undo_deadline import day, in_time, last_day, permanence, undo_sentence

pytestmark = pytest.mark.django_db

END = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: moment)


def test_before_a_transfer_the_days_begin_today(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, END)
    assert permanence() == (
        "Transferring user data is permanent. It can be undone until 27 Dec 2026 by somebody with the permission Undo"
        " transfers."
    )


def test_after_it_they_begin_when_it_ended_and_the_last_one_counts(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    made.finished_at = END
    at(monkeypatch, END + timedelta(days=30, minutes=29))
    assert undo_sentence(made) == (
        "It can be undone until 27 Dec 2026 by somebody with the permission Undo transfers."
    )
    assert undo_sentence(made, cast.ada) == "You can undo it until 27 Dec 2026."
    assert "somebody with the permission" in undo_sentence(made, cast.vera)
    assert in_time(made)
    at(monkeypatch, END + timedelta(days=30, minutes=30))
    assert undo_sentence(made) == "It could be undone until 27 Dec 2026."
    assert not in_time(made)


def test_without_undo_a_transfer_cannot_be_undone(cast: Cast, settings: Settings) -> None:
    settings.UNDO_DAYS = 0
    made = transfer(cast.ada, (cast.ana, cast.bo), forgotten_at=END)
    assert permanence() == "Transferring user data is permanent and cannot be undone."
    assert undo_sentence() == undo_sentence(made) == "This cannot be undone."
    assert last_day(made) is None


def test_a_forgotten_transfer_says_since_when(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), forgotten_at=END)
    assert undo_sentence(made) == "It cannot be undone, because its journal was deleted on 27 Nov 2026."
    assert not in_time(made)


def test_the_page_of_a_forgotten_transfer_says_by_whom_and_why(cast: Cast) -> None:
    made = run_single(cast.ada, cast.ana, cast.bo)
    actions.forget(by=cast.ada, transfer=made, reason="Erasure request 12")
    made.refresh_from_db()
    page = signed_in(cast.vera).get(f"/transfers/{made.number}/").content.decode()
    assert "by Ada Admin. Reason given: Erasure request 12" in page.translate({0x2068: "", 0x2069: ""})
    assert "Undo this transfer" not in page


def test_an_undo_is_not_undone(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    undo = transfer(cast.ada, (cast.bo, cast.ana), kind=Kind.UNDO, undoes=made)
    assert undo_sentence(undo) == "An undo cannot be undone, but the transfer can be run again."
    assert not in_time(undo)


def test_a_day_is_written_as_in_the_lists() -> None:
    assert day(END.date()) == "27 Nov 2026"
