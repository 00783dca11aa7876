"""`manage.py undo_transfer` checks and undoes as the browser does, and returns exit codes for scripts."""

import io

import pytest
from django.core.management import CommandError, call_command

from records.quality.models import CCR
from tests.fixtures.cast import Cast, transfer
from tests.fixtures.running import run_bulk
from tests.transfers.management.running import calls, owners
from transfers.models import Kind, State, Transfer


def command(made: Transfer | int, /, *, by: str = "ada.admin", **options: object) -> str:
    out = io.StringIO()
    number = made if isinstance(made, int) else made.number
    call_command("undo_transfer", number, by=by, stdout=out, **options)
    return out.getvalue()


def refused(made: Transfer | int, /, **options: object) -> str:
    with pytest.raises(CommandError) as refusal:
        command(made, **options)
    assert refusal.value.returncode == 2
    assert not Transfer.objects.filter(kind=Kind.UNDO).exclude(state=State.DISCARDED).exists()
    return str(refusal.value)


@pytest.fixture
def made(cast: Cast) -> Transfer:
    calls(cast.ana, cast.ana, cast.cy)
    return run_bulk(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))


# --- With the real engine --------------------------------------------------------------------------------------------


def test_a_transfer_is_undone(cast: Cast, made: Transfer) -> None:
    output = command(made)
    assert owners() == [cast.ana.pk, cast.ana.pk, cast.cy.pk]
    assert f"Undo transfer {made.number} for 2 users." in output
    assert "3 records to give back, 0 to restore, 0 changed since." in output
    assert "2 of 2 done" in output
    assert "Succeeded: 2 of 2 users undone." in output


def test_one_pair_of_it(cast: Cast, made: Transfer) -> None:
    command(made, pair=[f"{cast.cy.pk}:{cast.di.pk}"])
    assert owners() == [cast.bo.pk, cast.bo.pk, cast.cy.pk]


def test_changed_records_refuse_the_undo_or_are_left(cast: Cast, made: Transfer) -> None:
    CCR.objects.filter(agent=cast.di).update(agent=cast.eli)
    assert "1 error. Nothing was changed." in refused(made)
    output = command(made, leave_changed=True)
    assert owners() == [cast.ana.pk, cast.ana.pk, cast.eli.pk]
    assert "row 3: left as it is: CCRs " in output
    assert f": belongs to user {cast.eli.pk} now" in output


# --- Without running it ----------------------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing(cast: Cast, made: Transfer) -> None:
    output = command(made, dry_run=True)
    assert "Dry run: nothing was changed." in output
    assert owners() == [cast.bo.pk, cast.bo.pk, cast.di.pk]
    assert Transfer.objects.get(kind=Kind.UNDO).state == State.DISCARDED


def test_a_transfer_that_does_not_exist_or_belongs_to_another_tenant(cast: Cast) -> None:
    foreign = transfer(cast.frida, (cast.ana, cast.bo))
    for number in (foreign.number, 987_654_321, 10**30):
        assert refused(number) == (
            f"Ada Admin can see no transfer {number}. Check the number on the Transfers page of the site."
        )


def test_a_pair_that_is_not_in_the_transfer(cast: Cast, made: Transfer) -> None:
    for text in ("1:2", "x", f"{cast.bo.pk}:{cast.ana.pk}"):
        assert f"has no transferred pair {text} that can be undone" in refused(made, pair=[text])


def test_an_open_transfer(cast: Cast) -> None:
    running = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)
    assert "has not ended yet" in refused(running, pair=["1:2"])


def test_a_person_without_the_permission(cast: Cast, made: Transfer) -> None:
    assert "Undo transfers" in refused(made, by="vera.viewer")


def test_a_later_transfer_has_to_be_undone_first(cast: Cast, made: Transfer) -> None:
    transfer(cast.ada, (cast.bo, cast.eli))
    assert "1 error. Nothing was changed." in refused(made)
