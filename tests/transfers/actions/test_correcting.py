"""Rows that were corrected in a downloaded file, and the preview they came from."""

import csv
import io
from collections.abc import Callable

import pytest

from accounts.models import User
from audit.models import AuditEvent
from tests.fixtures.cast import Cast, agent
from tests.fixtures.running import confirm, upload
from transfers import actions
from transfers.models import DraftRow, State, Transfer
from transfers.planning.corrections import correction_of
from transfers.results.exports import draft_errors_table

Rows = list[list[str]]
Edit = Callable[[Rows], object]
FROM, TO, FIRST_NAME = 1, 2, 3


@pytest.fixture
def original(cast: Cast) -> Transfer:
    """A preview with a faultless row 2, and unknown targets in rows 3 and 4."""
    return upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777), (cast.di, 7000778))


def downloaded(by: User, original: Transfer, edit: Edit = lambda rows: None) -> bytes:
    """Return the file with the rows that have errors, after an edit of its rows."""
    content = b"".join(draft_errors_table(by, original).csv()).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content)))
    edit(rows)
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue().encode()


def send(by: User, content: bytes) -> Transfer:
    return actions.upload(by=by, file_name="fixed.csv", stream=io.BytesIO(content))


def targets(*users: User | int) -> Edit:
    """Return an edit that writes these targets into the rows of the file."""

    def edit(rows: Rows) -> None:
        for row, user in zip(rows[1:], users, strict=True):
            row[TO] = str(user.pk if isinstance(user, User) else user)

    return edit


def ids_in(draft: Transfer) -> dict[int, int | None]:
    return dict(draft.rows.values_list("number", "to_id"))


def test_the_rows_replace_those_with_errors(cast: Cast, original: Transfer) -> None:
    flo = agent(cast.support, "Flo Fine")
    fixed = send(cast.ada, downloaded(cast.ada, original, targets(flo, cast.eli)))

    found = actions.put_into_original(by=cast.ada, transfer=fixed)

    assert found is not None
    assert (found.original, len(found.rows), found.changed, found.selected) == (original, 2, 0, 3)
    assert ids_in(original) == {2: cast.bo.pk, 3: flo.pk, 4: cast.eli.pk}
    assert not original.rows.filter(status="error").exists()
    fixed.refresh_from_db()
    assert fixed.state == State.DISCARDED
    events = AuditEvent.objects.filter(transfer_number=original.number).values_list("kind", flat=True)
    assert sorted(events) == ["file-uploaded", "row-changed", "row-changed", "rows-corrected"]


def test_it_is_checked_with_the_rows_that_were_right(cast: Cast, original: Transfer) -> None:
    fixed = send(cast.ada, downloaded(cast.ada, original, targets(cast.bo, cast.eli)))
    assert not fixed.rows.filter(status="error").exists()

    actions.put_into_original(by=cast.ada, transfer=fixed)

    wrong = original.rows.filter(status="error").values_list("number", flat=True)
    assert list(wrong) == [2, 3], "both give their data to Bo"


def test_rows_that_were_changed_meanwhile_stay(cast: Cast, original: Transfer) -> None:
    flo = agent(cast.support, "Flo Fine")
    content = downloaded(cast.ada, original, targets(flo, cast.eli))
    actions.clear_row(by=cast.ada, transfer=original, number=4)
    fixed = send(cast.ada, content)

    found = actions.put_into_original(by=cast.ada, transfer=fixed)

    assert found is not None
    assert (len(found.rows), found.changed) == (1, 1)
    assert original.rows.get(number=4).status == DraftRow.Status.CLEARED
    assert original.rows.get(number=4).to_text == "7000778"
    fixed.refresh_from_db()
    assert fixed.state == State.DRAFT
    assert ids_in(fixed) == {3: cast.eli.pk}
    assert correction_of(fixed) is None


def test_nothing_is_offered_if_all_rows_were_corrected_there(cast: Cast, original: Transfer) -> None:
    content = downloaded(cast.ada, original, targets(cast.eli, cast.eli))
    for number in (3, 4):
        actions.clear_row(by=cast.ada, transfer=original, number=number)
    fixed = send(cast.ada, content)

    assert correction_of(fixed) is None
    assert actions.put_into_original(by=cast.ada, transfer=fixed) is None


def test_a_preview_that_has_ended_is_not_offered(cast: Cast, original: Transfer) -> None:
    content = downloaded(cast.ada, original, targets(cast.eli, cast.bo))
    fixed = send(cast.ada, content)
    assert correction_of(fixed) is not None
    for number in (3, 4):
        actions.clear_row(by=cast.ada, transfer=original, number=number)
    confirm(original, cast.ada)

    assert actions.put_into_original(by=cast.ada, transfer=fixed) is None
    assert ids_in(original) == {2: cast.bo.pk, 3: 7000777, 4: 7000778}


def test_the_preview_of_another_person_or_tenant_is_not_offered(cast: Cast, original: Transfer) -> None:
    content = downloaded(cast.ada, original, targets(cast.eli, cast.bo))
    colleague = User.objects.get(pk=cast.vera.pk)
    for person in (colleague, cast.frida):
        fixed = send(person, content)
        assert fixed.file_summary["corrects"]["draft"] == original.number
        assert correction_of(fixed) is None
        assert actions.put_into_original(by=person, transfer=fixed) is None
    assert ids_in(original) == {2: cast.bo.pk, 3: 7000777, 4: 7000778}


def test_a_column_that_was_sorted_alone_puts_no_row_into_another(cast: Cast, original: Transfer) -> None:
    def sort_rows_apart(rows: Rows) -> None:
        rows[1][0], rows[2][0] = rows[2][0], rows[1][0]

    fixed = send(cast.ada, downloaded(cast.ada, original, sort_rows_apart))

    assert correction_of(fixed) is None


@pytest.mark.parametrize("number", ["", "x", "-1", "99999999999999999999", "٣", "0", "1.5"])
def test_odd_numbers(cast: Cast, original: Transfer, number: str) -> None:
    def write(rows: Rows) -> None:
        rows[1][0] = rows[2][-1] = number

    assert correction_of(send(cast.ada, downloaded(cast.ada, original, write))) is None


def test_a_source_is_replaced_only_if_it_was_the_error(cast: Cast) -> None:
    original = upload(cast.ada, (7000777, cast.bo), (cast.cy, 7000778))

    def write(rows: Rows) -> None:
        rows[1][FROM], rows[2][FROM] = str(cast.ana.pk), str(cast.eli.pk)

    found = correction_of(send(cast.ada, downloaded(cast.ada, original, write)))

    assert found is not None
    assert [there.number for _, there in found.rows] == [2]


def test_the_download_does_not_hide_that_names_differ(cast: Cast) -> None:
    """Otherwise a file in which one column was sorted could be made right by downloading and uploading it."""
    lines = f"From User ID,To User ID,First Name,Last Name\n{cast.ana.pk},{cast.bo.pk},Zoe,Zimmer\n"
    original = send(cast.ada, lines.encode())
    content = downloaded(cast.ada, original)
    assert b"Zoe,Zimmer" in content

    fixed = send(cast.ada, content)
    actions.put_into_original(by=cast.ada, transfer=fixed)

    for draft in (fixed, original):
        codes = [problem["code"] for row in draft.rows.all() for problem in row.problems]
        assert codes.count("name-of-another-user") == draft.rows.count()
    assert original.rows.get().first_name == "Zoe"


def test_rows_can_be_kept_apart(cast: Cast, original: Transfer) -> None:
    fixed = send(cast.ada, downloaded(cast.ada, original, targets(cast.eli, cast.bo)))

    actions.keep_apart(transfer=fixed)

    fixed.refresh_from_db()
    assert correction_of(fixed) is None
    assert fixed.rows.count() == 2
