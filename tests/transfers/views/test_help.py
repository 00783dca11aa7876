import pytest
from django.urls import reverse
from pytest_django import Settings

from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.html import one_line
from transfers.registry import data_types


def text(client_of: Cast) -> str:
    return signed_in(client_of.nina).get(reverse("transfers:help")).content.decode()


def test_every_data_type_is_listed(cast: Cast) -> None:
    page = text(cast)

    assert data_types()
    for entry in data_types():
        assert entry.name.replace("&", "&amp;") in page
        assert entry.sentence.replace("'", "&#x27;") in page


def test_it_says_what_happens_when_both_have_a_record(cast: Cast) -> None:
    page = text(cast)

    assert "the Target User&#x27;s record is kept" in page  # the sentence of KeepTarget
    assert "replace the Target User&#x27;s records." in page


def test_it_says_what_is_not_transferred(cast: Cast) -> None:
    page = text(cast)

    for word in ("Not transferred", "Password", "Roles and permissions", "audit log"):
        assert word in page


def test_it_says_what_the_id_columns_may_hold(cast: Cast) -> None:
    assert "unless your system administrator" in text(cast)
    assert "From Email, From User Name, From Employee ID, To Email, To User Name, To Employee ID" in text(
        cast
    )
    cast.abacus.allows_identifiers = True
    cast.abacus.save()
    assert "user IDs, emails, user names or employee IDs." in text(cast)
    assert "unless your system administrator" not in text(cast)


@pytest.mark.parametrize(
    ("days", "sentence"),
    [(30, "For 30 days after a transfer has ended"), (0, "Transfers cannot be undone on this site.")],
)
def test_it_says_how_a_transfer_is_undone(cast: Cast, settings: Settings, days: int, sentence: str) -> None:
    settings.UNDO_DAYS = days
    section = one_line(signed_in(cast.ada).get("/help/").content.decode()).split('id="undo"')[1]
    assert sentence in section.split("</section>")[0]
