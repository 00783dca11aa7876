"""What the preview offers for a row whose names are not those of the user whose ID stands beside them."""

import re
from io import BytesIO

import pytest
from django.urls import reverse

from accounts.models import User
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.running import upload
from tests.transfers.views.test_preview import page
from transfers import actions
from transfers.models import Transfer


def named(cast: Cast, *lines: str) -> Transfer:
    file = "\n".join(["From User ID,To User ID,First Name,Last Name,User Name", *lines]).encode()
    return actions.upload(by=cast.ada, file_name="people.csv", stream=BytesIO(file))


def offered(cast: Cast, made: Transfer) -> list[str]:
    """Return what the buttons in row 2 offer, beside its own."""
    found = re.findall(r'id="(swap-2|use-2-1|confirm-2)"', page(cast.ada, made, filter="all"))
    return [name.split("-")[0] for name in found]


def test_swapping_a_row_is_offered_if_its_names_fit_then(cast: Cast) -> None:
    made = named(cast, f"{cast.ana.pk},{cast.bo.pk},Bo,Chen,bo.chen")

    assert offered(cast, made) == ["swap", "confirm"]

    address = reverse("transfers:preview-row", args=[made.number, 2])
    signed_in(cast.ada).post(address, {"from_text": cast.bo.pk, "to_text": cast.ana.pk, "swap": "1"})
    row = made.rows.get()
    assert (row.from_id, row.to_id, row.status) == (cast.bo.pk, cast.ana.pk, "warning")


def test_the_user_whose_name_stands_in_the_row_is_offered(cast: Cast) -> None:
    made = named(cast, f"{cast.ana.pk},{cast.bo.pk},Cy,Young,")

    assert offered(cast, made) == ["use", "confirm"]
    assert f"Use {cast.cy.pk}<" in page(cast.ada, made)


@pytest.mark.parametrize("texts", ["Bo,Cheng,", "Zoe,Zimmer,", "Cy,Young,di.ng", "Ana,Chen,bo.chen"])
def test_nobody_is_offered_if_the_texts_are_not_exactly_those_of_one_user(cast: Cast, texts: str) -> None:
    assert offered(cast, named(cast, f"{cast.ana.pk},{cast.eli.pk},{texts}")) == ["confirm"]


def test_names_that_fit_speak_against_swapping(cast: Cast) -> None:
    User.objects.filter(pk=cast.bo.pk).update(is_active=False)
    assert offered(cast, named(cast, f"{cast.ana.pk},{cast.bo.pk},Ana,Díaz,")) == []
    assert offered(cast, upload(cast.ada, (cast.ana, cast.bo))) == ["swap"]
    assert offered(cast, upload(cast.ada, (cast.ana, cast.bo), (cast.bo, cast.cy))) == []


def test_users_by_name_are_not_accepted_all_at_once(cast: Cast) -> None:
    """A column may have been sorted on its own, so that each row has to be looked at."""
    cells = f"{cast.ana.pk},{cast.bo.pk},Cy,Young,", f"{cast.eli.pk},{cast.di.pk},Bo,Chen,"
    made = named(cast, *cells)
    assert "Use all" not in page(cast.ada, made)
    assert not actions.accept_suggestions(by=cast.ada, transfer=made, problem="name-of-another-user", count=2)
