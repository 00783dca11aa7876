"""If a user is in an open transfer (docs/csv-cases.md, 43), pages show a link to it and the button "Check again"."""

from django.urls import reverse

from accounts.models import User
from tests.fixtures.cast import Cast, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.running import upload
from transfers.models import DraftRow, Participant, State, Transfer

Status = DraftRow.Status


def running(by: User, *users: User) -> Transfer:
    made = transfer(by, (users[0], users[1]), state=State.RUNNING)
    Participant.objects.bulk_create(Participant(user=user, transfer=made) for user in users)
    return made


def shown(person: User, address: str) -> str:
    return one_line(signed_in(person).get(address).content.decode())


def preview(made: Transfer) -> str:
    return reverse("transfers:preview", args=[made.number])


def detail(made: Transfer) -> str:
    return f'href="{reverse("transfers:transfer-detail", args=[made.number])}"'


def test_a_row_links_to_the_transfer_of_its_busy_user(cast: Cast) -> None:
    made = running(cast.ada, cast.ana, cast.cy)
    draft = upload(cast.ada, (cast.ana, cast.bo), (cast.di, cast.eli))
    html = shown(cast.ada, preview(draft))
    assert f"User {cast.ana.pk} is part of a transfer that is running now." in html
    assert f"{detail(made)} hx-boost" in html
    assert html.count("Check again") == 1


def test_transfers_the_person_may_not_open_are_not_linked(cast: Cast) -> None:
    """Otto sees Ana and Bo, but not Eli of Sales, who is also in Ada's transfer."""
    made = running(cast.ada, cast.ana, cast.eli)
    address = reverse("transfers:single") + f"?source={cast.ana.pk}&target={cast.bo.pk}"
    assert f"{detail(made)} hx-boost" in shown(cast.ada, address)
    html = shown(cast.otto, address)
    assert f"User {cast.ana.pk} is part of a transfer that is running now." in html
    assert "Check again" in html
    assert f"{detail(made)} hx-boost" not in html


def test_check_again_checks_the_whole_file(cast: Cast) -> None:
    running(cast.ada, cast.ana, cast.cy)
    draft = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    assert set(draft.rows.values_list("status", flat=True)) == {Status.ERROR}
    Participant.objects.all().delete()

    address = reverse("transfers:preview-row-check", args=[draft.number, 2])
    response = signed_in(cast.ada).post(f"{address}?rows=10")

    assert response["Location"] == f"{preview(draft)}?rows=10#row-2"
    assert Status.ERROR not in draft.rows.values_list("status", flat=True)
    assert draft.rows.get(number=2).to_id == cast.bo.pk
    assert "Check again" not in shown(cast.ada, preview(draft))


def test_a_single_pair_is_checked_again_by_reloading(cast: Cast) -> None:
    running(cast.ada, cast.ana, cast.cy)
    address = reverse("transfers:single") + f"?source={cast.ana.pk}&target={cast.bo.pk}"
    link = address.replace("&", "&amp;")
    assert f'id="check-again" href="{link}"' in shown(cast.otto, address)
    Participant.objects.all().delete()
    assert "Check again" not in shown(cast.otto, address)


def test_the_confirmation_links_to_it_too(cast: Cast) -> None:
    draft = upload(cast.ada, (cast.ana, cast.bo))
    made = running(cast.ada, cast.ana, cast.cy)
    html = shown(cast.ada, reverse("transfers:transfer-confirmation", args=[draft.number]))
    assert f"{detail(made)} hx-boost" in html
