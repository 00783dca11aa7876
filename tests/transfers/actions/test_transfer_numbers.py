"""Each tenant counts its own transfers, and sees nothing that counts those of all tenants."""

import re
from collections.abc import Iterator

import pytest
from django.core import mail as outbox
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.verification import verify
from operations import tasks as operations_tasks
from tests.fixtures.cast import Cast, agent, person, signed_in, transfer
from tests.fixtures.roles import as_owner
from tests.fixtures.running import run_bulk, run_single, upload
from tests.fixtures.undoing import run_undo
from tests.tenancy.conftest import foreigners
from tests.transfers.actions.test_at_once import at_once
from tests.transfers.management.test_undo_transfer import command
from tests.transfers.results.test_discarded import output_of
from transfers import actions
from transfers.actions.drafting import new_draft
from transfers.models import Kind, LastNumber, State, Transfer
from transfers.models.number import next_number


class Stopped(Exception):
    pass


@transaction.atomic
def new(by: User, *, stop: bool = False) -> int:
    """Create a draft, and return its number."""
    number = new_draft(by, Kind.BULK).number
    if stop:
        raise Stopped
    return number


@pytest.fixture
def from_one(cast: Cast) -> None:
    """Let Foreign count from 1 too."""
    LastNumber.objects.all().delete()


def test_two_tenants_count_independently(cast: Cast, from_one: None) -> None:
    made = [new(by) for by in (cast.ada, cast.ada, cast.frida, cast.ada, cast.frida, cast.otto)]
    assert made == [1, 2, 1, 3, 2, 4]


def test_the_number_of_a_transfer_that_was_not_created_is_used_for_the_next(cast: Cast) -> None:
    first = new(cast.ada)
    with pytest.raises(Stopped):
        new(cast.ada, stop=True)
    assert new(cast.ada) == first + 1


def test_the_number_of_a_deleted_preview_is_not_used_again(cast: Cast) -> None:
    """The audit log still has it."""
    number = new(cast.ada)
    Transfer.objects.filter(number=number).delete()
    assert new(cast.ada) == number + 1


def test_a_number_of_another_tenant_leads_nowhere(cast: Cast, from_one: None) -> None:
    theirs = transfer(cast.frida, foreigners(cast))
    address = reverse("transfers:transfer-detail", args=[theirs.number])
    assert signed_in(cast.ada).get(address).status_code == 404
    own = transfer(cast.ada, (cast.ana, cast.bo))
    assert own.number == theirs.number
    page = signed_in(cast.ada).get(address).content.decode()
    assert "Ana Díaz" in page
    assert "Fay" not in page


@pytest.mark.django_db(transaction=True)
def test_twelve_at_once_get_twelve_numbers(cast: Cast, no_messages: None) -> None:
    people = [cast.ada, cast.otto, *(person(cast.abacus, f"New Person{n}") for n in range(10))]
    assert sorted(at_once(*(lambda by=by: new(by) for by in people))) == list(range(1, 13))


@pytest.mark.django_db(transaction=True)
def test_an_unfinished_transaction_keeps_no_other_tenant_waiting(cast: Cast, from_one: None) -> None:
    with transaction.atomic():
        new(cast.ada)

        def other() -> tuple[int, int]:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '5s'")
            theirs = new(cast.frida)
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '50ms'")
            return theirs, next_number(cast.abacus.pk)  # waits

        (refused,) = at_once(other)
    assert "lock timeout" in str(refused)
    assert Transfer.objects.get(tenant=cast.foreign).number == 1


# --- Nothing global is shown ------------------------------------------------------------------------------------------

GLOBAL = {
    "transfers_transfer_id_seq": 5_100_000,
    "transfers_transferpair_id_seq": 5_200_000,
    "audit_auditevent_id_seq": 5_300_000,
    "operations_mail_id_seq": 5_400_000,
}
GLOBAL_NUMBER = re.compile(r"(?<!\w)5,?[1-4]0\d,?\d{3}(?!\w)")
PAGES = ("transfer-home", "transfer-list", "audit-log", "audit-download", "running-strip", "bulk")
PAGES_OF_ONE = (
    "transfer-detail",
    "transfer-progress",
    "transfer-errors",
    "transfer-log",
    "transfer-retry-file",
    "undo-left",
    "preview",
    "preview-errors",
    "undo-preview",
    "transfer-confirmation",
)


@pytest.fixture
def busy_site(cast: Cast, no_messages: None) -> Iterator[list[Transfer]]:
    """Transfers of Abacus of every kind and state, made after others had made millions."""
    with as_owner(), connection.cursor() as cursor:
        for sequence, value in GLOBAL.items():
            cursor.execute(f"ALTER SEQUENCE {sequence} RESTART WITH {value}")
    ada, support = cast.ada, cast.support
    done = run_bulk(ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    undone = run_undo(ada, done)
    single = run_single(ada, agent(support, "Kim Low"), agent(support, "Lou May"))
    failed = transfer(ada, (cast.ana, cast.eli), (cast.cy, cast.bo), state=State.FAILED)
    failed.pairs.update(state="failed", code="locked", reason="Locked.", remedy="Retry.")
    retried = actions.retry(by=ada, transfer=failed)
    unfinished = upload(ada, (cast.ana, cast.bo), (cast.cy, 7_000_777))
    undo = actions.undo(by=ada, transfer=single)
    running = transfer(ada, (cast.di, cast.eli), state=State.RUNNING)
    return [done, undone, single, failed, retried, unfinished, undo, running]


def seen(client: Client, address: str) -> str:
    """Return what the address answers, with the headers and the addresses that it redirects to."""
    answer = client.get(address, follow=True)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return f"{answer.redirect_chain} {answer.headers} {content.decode()}"


def test_no_page_or_file_shows_a_number_that_counts_other_tenants(
    cast: Cast, busy_site: list[Transfer]
) -> None:
    assert {made.pk for made in busy_site} < set(range(5_100_000, 5_100_100))
    verify(cast.abacus.pk)
    client = signed_in(cast.ada)
    pages = [reverse(f"transfers:{name}") for name in PAGES]
    pages += [reverse(f"transfers:{name}", args=[made.number]) for made in busy_site for name in PAGES_OF_ONE]
    pages.append(reverse("accounts:user-edit", args=[cast.ana.pk]))
    for page in pages:
        shown = GLOBAL_NUMBER.search(seen(client, page))
        assert not shown, (page, shown)


def test_no_mail_shows_one(cast: Cast, busy_site: list[Transfer]) -> None:
    operations_tasks.send_mails()
    texts = [str(mail.message()) for mail in outbox.outbox]
    assert len(texts) >= 3
    assert not [text for text in texts if GLOBAL_NUMBER.search(text)]


def test_no_command_shows_one(cast: Cast, busy_site: list[Transfer]) -> None:
    said = command(busy_site[2], dry_run=True) + output_of("show_discarded", str(busy_site[0].number))
    assert "Undo transfer" in said
    assert not GLOBAL_NUMBER.search(said)


def test_the_result_of_a_verification_names_no_id(cast: Cast, busy_site: list[Transfer]) -> None:
    verify(cast.abacus.pk)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE audit_auditevent SET pair_id = 1 WHERE kind = 'file-uploaded'")
        cursor.execute("DELETE FROM audit_auditseal WHERE number = 1")
        cursor.execute("SET LOCAL session_replication_role = origin")
    wrong = verify(cast.abacus.pk).wrong
    assert "is in no seal" in wrong
    assert not GLOBAL_NUMBER.search(wrong)
