import io

import pytest

from spreadsheets.rejection import FileRejected
from transfers.people_csv import read
from transfers.people_csv.pasting import pasted_file


@pytest.mark.parametrize(
    "text",
    [
        "21\t19\n22\t18",
        "21\t19\r\n22\t18\r\n",
        "\n\n21;19\n22;18",
        "21,19\n22,18",
        "From User ID\tTo User ID\n21\t19\n22\t18",
        "to_user_id\tname\tfrom_user_id\n19\tJenny\t21\n18\tSam\t22",
    ],
    ids=["tabs", "CR LF", "semicolons", "commas", "column names", "other columns"],
)
def test_pasted_pairs(text: str) -> None:
    pairs = [(row.from_id, row.to_id) for row in read(io.BytesIO(pasted_file(text))).rows]
    assert pairs == [(21, 19), (22, 18)]


def test_rows_are_counted_as_below_column_names() -> None:
    (row,) = read(io.BytesIO(pasted_file("21\t19"))).rows
    assert row.number == 2


def test_characters_that_cannot_be_encoded() -> None:
    assert pasted_file("\ud800\t1").endswith(b"?\t1")


@pytest.mark.parametrize("text", ["21 494\n22 300", "494\n300", "ana@example.com"])
def test_one_column_is_refused(text: str) -> None:
    with pytest.raises(FileRejected, match="no tab, semicolon or comma between"):
        pasted_file(text)
