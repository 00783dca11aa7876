"""Every page, email and command that says whether a transfer is permanent says what is true of this installation."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail as outbox
from django.core.management import call_command
from django.utils.timezone import localdate
from pytest_django import Settings

from operations import tasks
from tests.fixtures.cast import Cast, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.running import upload
from tests.transfers.management.running import people_csv
from transfers import actions
from transfers.results.undo_deadline import day

pytestmark = pytest.mark.django_db

PERMISSION = "by somebody with the permission Undo transfers."
NEVER = "cannot be undone."
PAGES = ["/transfer/", "/transfer/bulk/", "/help/"]


@pytest.fixture(params=[14, 0])
def days(request: pytest.FixtureRequest, settings: Settings) -> int:
    settings.UNDO_DAYS = request.param
    return int(request.param)


def until(days: int) -> str:
    return f"until {day(localdate() + timedelta(days=days))}"


def says(text: str, days: int, can: str = "You can undo it {until}.") -> bool:
    """Return whether the text has the sentence for this number of days, and not the other one."""
    what = "Transferring user data is permanent"
    can = can.format(until=until(days))
    true, false = (f"{what}. {can}", NEVER) if days else (f"{what} and {NEVER}", can)
    return true in text and false not in text


@pytest.mark.parametrize("address", PAGES)
def test_a_page(cast: Cast, days: int, address: str) -> None:
    assert says(one_line(signed_in(cast.ada).get(address).content.decode()), days)


def test_the_preview(cast: Cast, days: int) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))
    page = signed_in(cast.ada).get(f"/transfer/bulk/{made.number}/").content.decode()
    assert says(one_line(page), days)


def test_the_confirmation(cast: Cast, days: int) -> None:
    made = actions.start_single(by=cast.ada, source_id=cast.ana.pk, target_id=cast.bo.pk)
    page = one_line(signed_in(cast.ada).get(f"/transfers/{made.number}/confirmation/").content.decode())
    assert ("This cannot be undone." in page) == (not days)
    assert (f"You can undo it {until(days)}." in page) == bool(days)


def test_a_reader_without_the_permission(cast: Cast, days: int) -> None:
    page = one_line(signed_in(cast.otto).get("/transfer/").content.decode())
    assert says(page, days, f"It can be undone {{until}} {PERMISSION}")


def test_the_command_line(cast: Cast, days: int, tmp_path: Path) -> None:
    out = io.StringIO()
    file = people_csv(tmp_path, (cast.ana, cast.bo))
    call_command("transfer", file, by="ada.admin", dry_run=True, stdout=out)
    assert says(out.getvalue(), days, f"It can be undone {{until}} {PERMISSION}")


def test_the_email(cast: Cast, days: int) -> None:
    transfer(cast.ada, (cast.ana, cast.bo))
    tasks.send_mails()
    (sent,) = outbox.outbox
    assert ("This cannot be undone." in sent.body) == (not days)
    assert (PERMISSION in sent.body) == bool(days)
