"""Property-based tests of people.csv with generated sheets, texts and bytes."""

import io

from hypothesis import example, given
from hypothesis import strategies as st

from spreadsheets.rejection import FileRejected
from spreadsheets.safe_cells import safe_cell, unsafe_cell
from spreadsheets.writer import write_csv
from tests.fixtures.opening import formulas
from tests.transfers.people_csv.sheets import parse, saved
from transfers.people_csv import COLUMNS, MAX_ID, ParsedFile, names_agree, parse_id, read

ids = st.integers(1, MAX_ID)
characters = st.characters(exclude_categories=["Cs"])
nasty = st.text(
    st.one_of(st.sampled_from("'=+-@\t\r\n\0\"; ,|＝\u00a0\ufeff\u202e19"), characters), max_size=12
)
people = st.lists(st.tuples(ids, st.one_of(st.just(""), ids), nasty, nasty, nasty, nasty, nasty, nasty))


@given(nasty)
def test_safe_then_unsafe_is_the_identity(text: str) -> None:
    assert unsafe_cell(safe_cell(text)) == text


@given(st.lists(st.lists(nasty, min_size=2, max_size=4)))
@example([["-19", "5*9;x"]])  # with “;” and a decimal comma, one field: the formula -19,5*9
@example([["A;=", "1+1"]])
def test_no_separator_makes_a_formula_of_any_text(rows: list[list[str]]) -> None:
    content = b"".join(write_csv(["Name", "Team"], rows)).decode("utf-8-sig")
    assert formulas(content) == []


@given(people.filter(bool))
def test_export_then_import_is_the_identity(rows: list[tuple[object, ...]]) -> None:
    parsed = read(io.BytesIO(b"".join(write_csv(COLUMNS, rows))))
    selected = [(number, row) for number, row in enumerate(rows, start=2) if row[1]]
    assert (parsed.rows_read, parsed.blank) == (len(rows), len(rows) - len(selected))
    for found, (number, row) in zip(parsed.rows, selected, strict=True):
        names = (found.first_name, found.last_name, found.user_name, found.email)
        assert (found.number, found.from_id, found.to_id, *names) == (number, *row[:6])
        assert not any(problem.severity.blocks for problem in found.problems)


DIALECTS = [
    {"encoding": "utf-8-sig"},
    {"encoding": "utf-8", "end": "\n"},
    {"encoding": "utf-16", "delimiter": "\t"},
    {"encoding": "cp1252", "delimiter": ";"},
    {"encoding": "mac-roman", "end": "\r"},
    {"encoding": "utf-8", "delimiter": "\t", "end": "\r"},
]
letters = st.text("abcdeëíñøÅ -,;'", max_size=8)
cells = st.one_of(st.just(""), st.integers(-5, 99).map(str), st.sampled_from(["19.5", "1,234", "Bo", "=A2"]))


@given(st.lists(st.tuples(cells, cells, letters, letters), min_size=1))
def test_six_dialects_of_a_sheet_give_the_same_rows(rows: list[tuple[str, ...]]) -> None:
    sheet = [COLUMNS[:4], ["7", "8", "Zoë", "Åse"], *rows]
    parsed = [parse(saved(sheet, **dialect)) for dialect in DIALECTS]
    for other in parsed[1:]:
        assert _ids(other) == _ids(parsed[0])
        assert (other.rows_read, other.blank, other.empty) == _counts(parsed[0])
        for one, two in zip(parsed[0].rows, other.rows, strict=True):
            assert names_agree(two.first_name, two.last_name, one.first_name, one.last_name)


def _ids(parsed: ParsedFile) -> list[tuple[object, ...]]:
    return [(row.number, row.from_id, row.to_id, row.problems) for row in parsed.rows]


def _counts(parsed: ParsedFile) -> tuple[int, int, int]:
    return parsed.rows_read, parsed.blank, parsed.empty


@given(st.lists(st.sampled_from(["18,19,Ana", "18,,Bo", "18,19,'A\n\r\nB'", "", ",,,"]), min_size=1))
def test_row_numbers_are_those_of_the_spreadsheet(lines: list[str]) -> None:
    content = "From User ID,To User ID,First Name\r\n" + "".join(
        line.replace("'", '"') + "\r\n" for line in ["1,2,X", *lines]
    )
    expected = [2] + [number for number, line in enumerate(lines, start=3) if line.startswith("18,19")]
    assert [row.number for row in parse(content).rows] == expected


pieces = [
    b"From User ID",
    b"To User ID",
    b",",
    b";",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b'"',
    b"'",
    b"\0",
    b"18",
    b"=",
]
marks = [
    b"",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xff\xfe\0\0",
    b"From User ID,To User ID\r\n",
    b"sep=;\n",
]
soup = st.lists(st.one_of(st.sampled_from(pieces), st.binary(max_size=4))).map(b"".join)
wide = st.lists(st.sampled_from(pieces)).map(lambda found: b"".join(found).decode().encode("utf-16"))


@given(
    st.one_of(
        st.binary(), soup, wide, st.builds(lambda mark, rest: mark + rest, st.sampled_from(marks), soup)
    )
)
@example(b"From User ID,To User ID\n18,\xed\xa0\x80\n")
@example(b"\xff\xfe\x00\xd8")
@example(b"\x00\x00\xfe\xff\x00\x11\x00\x00")
def test_any_bytes_give_a_file_or_a_rejection(content: bytes) -> None:
    try:
        parsed = read(io.BytesIO(content))
    except FileRejected as rejected:
        assert rejected.problem.remedy  # noqa: PT017 - either way out is fine, but none without a next step
    else:
        assert parsed.rows_read == parsed.blank + len(parsed.rows)
        assert parsed.rows_read > 0


@given(st.one_of(nasty, st.text("0123456789.,' eE+-#=_", max_size=12)))
def test_any_text_gives_an_id_or_a_reason(text: str) -> None:
    number, problems = parse_id(text, "To User ID", 2)
    if number is None:
        assert all(problem.severity.blocks and problem.remedy for problem in problems)
    else:
        assert 0 < number <= MAX_ID
        assert not any(problem.severity.blocks for problem in problems)
