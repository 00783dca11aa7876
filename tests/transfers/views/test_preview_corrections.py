"""The offer to put corrected rows into the preview they came from, and who may accept it."""

import pytest
from django.urls import reverse

from tests.fixtures.cast import Cast, agent, signed_in
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
    assert "1 more has no error there, or was cleared, and stays as it is there." in said
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
    assert signed_in(cast.ada).get(address(name, fixed)).status_code == 302
    assert original.rows.filter(status="error").count() == 2


def blank_row_filled_in(cast: Cast, *more: str) -> tuple[Transfer, Transfer]:
    """Return a preview whose file has no target in row 3, and one of its corrected file with rows `more`.

    The corrected file also has row 4, with a target.
    """
    original = upload(cast.ada, (cast.ana, cast.bo), (cast.eli, ""), (cast.cy, 7000777))
    header, error = downloaded(cast.ada, original, targets(cast.di)).decode().splitlines()
    filled = f"3,{cast.eli.pk},{agent(cast.support, 'Flo Fine').pk},Eli,,,,,,,{original.number}"
    return original, send(cast.ada, "\n".join([header, error, filled, *more]).encode())


def test_a_row_that_was_blank_is_added_under_its_number(cast: Cast) -> None:
    original, fixed = blank_row_filled_in(cast)

    said = one_line(page(cast.ada, fixed))
    answer = signed_in(cast.ada).post(address("preview-corrections", fixed), follow=True)

    assert "2 of these rows belong to people.csv (2 rows)." in said
    assert "Row 3 was not selected in people.csv and will be added." in said
    assert "no error there" not in said
    done = one_line(answer.content.decode())
    assert "1 row of fixed.csv replaced the same row of this preview." in done
    assert "1 row of fixed.csv added, which had no To User ID here." in done
    assert "3 rows read as UTF-8, comma · 0 blank · 3 selected" in done
    assert original.rows.get(number=3).from_id == cast.eli.pk
    assert Transfer.objects.get(pk=fixed.pk).state == State.DISCARDED


def test_a_row_with_a_number_that_the_file_did_not_have_stays_apart(cast: Cast) -> None:
    hal, ivy = agent(cast.support, "Hal Hill"), agent(cast.support, "Ivy Inn")
    original, fixed = blank_row_filled_in(cast, f"900,{hal.pk},{ivy.pk}", f",{ivy.pk},{hal.pk}")

    assert "2 more match no row there and stay in this preview." in one_line(page(cast.ada, fixed))
    answer = signed_in(cast.ada).post(address("preview-corrections", fixed), follow=True)

    assert "2 rows match no row here: see Unfinished previews." in one_line(answer.content.decode())
    assert not original.rows.filter(number=900).exists()
    assert fixed.rows.count() == 2


def test_of_two_rows_with_the_same_number_the_first_is_taken(cast: Cast, original: Transfer) -> None:
    header, *lines = downloaded(cast.ada, original, targets(cast.eli, 7000779)).decode().splitlines()
    copied = lines[0].replace(f",{cast.eli.pk},", ",7000780,")
    fixed = send(cast.ada, "\n".join([header, *lines, copied]).encode())

    actions.put_into_original(by=cast.ada, transfer=fixed)

    assert original.rows.get(number=3).to_id == cast.eli.pk
    assert [row.to_text for row in fixed.rows.all()] == ["7000780"]
