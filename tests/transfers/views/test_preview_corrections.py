"""The offer to put corrected rows into the preview they came from, and who may accept it."""

import pytest
from django.urls import reverse

from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.html import one_line
from tests.fixtures.running import upload
from tests.transfers.actions.test_correcting import downloaded, send, targets
from tests.transfers.views.test_preview import page
from transfers import actions
from transfers.models import State, Transfer


@pytest.fixture
def original(cast: Cast) -> Transfer:
    return upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777), (cast.di, 7000778))


@pytest.fixture
def fixed(cast: Cast, original: Transfer) -> Transfer:
    return send(cast.ada, downloaded(cast.ada, original, targets(cast.eli, cast.bo)))


def address(name: str, draft: Transfer) -> str:
    return reverse(f"transfers:{name}", args=[draft.number])


def test_the_offer_counts_the_rows(cast: Cast, original: Transfer, fixed: Transfer) -> None:
    assert "2 of these rows belong to people.csv (3 rows)." in one_line(page(cast.ada, fixed))
    actions.clear_row(by=cast.ada, transfer=original, number=3)
    said = one_line(page(cast.ada, fixed))
    assert "1 of these rows belongs to people.csv (2 rows)." in said
    assert "1 more was corrected or cleared there in the meantime and stays as it is." in said
    assert 'id="correction"' not in page(cast.ada, original)


def test_a_preview_that_was_discarded_meanwhile(cast: Cast, original: Transfer, fixed: Transfer) -> None:
    actions.discard(by=cast.ada, transfer=original)
    answer = signed_in(cast.ada).post(address("preview-corrections", fixed), follow=True)
    assert "Nothing was changed: the preview that these rows came from" in answer.content.decode()
    assert Transfer.objects.get(pk=fixed.pk).state == State.DRAFT


@pytest.mark.parametrize("name", ["preview-corrections", "preview-kept-apart", "preview-counts"])
def test_only_its_maker_may_change_it(cast: Cast, original: Transfer, fixed: Transfer, name: str) -> None:
    assert signed_in(cast.frida).post(address(name, fixed)).status_code == 404
    assert signed_in(cast.otto).post(address(name, fixed)).status_code == 403
    assert signed_in(cast.ada).get(address(name, fixed)).status_code == 405
    assert original.rows.filter(status="error").count() == 2
