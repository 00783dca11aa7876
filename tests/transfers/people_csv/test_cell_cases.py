"""The numbered cases of docs/csv-cases.md about one ID cell, read from a file or typed in the preview."""

import pytest

from tests.transfers.people_csv.sheets import parse, saved
from transfers.people_csv import MAX_ID, TO_USER_ID, is_blank, parse_id
from wording.problems import Severity

READ = [
    ("25", "19 ", 19, None),
    ("25-before", " 19", 19, None),
    ("25-nbsp", "\u00a019\u00a0", 19, None),
    ("25-zero-width", "\u200b19\ufeff", 19, None),
    ("25-quotes", '"19"', 19, None),
    ("25-apostrophe", "'19", 19, None),
    ("25-apostrophe-space", " ' 19", 19, None),
    ("25-largest", str(MAX_ID), MAX_ID, None),
    ("26", "00019", 19, "Row 57, To User ID: 00019 was read as 19."),
    ("25-marks", "\u202a\u2066\u00ad19\u2069\u202c\u200d", 19, None),
    ("25-forced", '="19"', 19, 'Row 57, To User ID: ="19" was read as 19.'),
    ("25-forced-number", "=19", 19, "Row 57, To User ID: =19 was read as 19."),
    ("27-many-zeros", "60.0000", 60, "Row 57, To User ID: 60.0000 was read as 60."),
    ("27-six-zeros", "61,000000", 61, "Row 57, To User ID: 61,000000 was read as 61."),
    ("27-three-zeros", "1060.000", 1060, "Row 57, To User ID: 1060.000 was read as 1060."),
    ("27-zeros", "19.0", 19, "Row 57, To User ID: 19.0 was read as 19."),
    ("27-comma-zeros", "19,00", 19, "Row 57, To User ID: 19,00 was read as 19."),
    (
        "29-rounded",
        "1234567890123450",
        1234567890123450,
        "Row 57, To User ID: spreadsheets keep only 15 digits",
    ),
    ("29-not-rounded", "1234567890123456789", 1234567890123456789, None),
    (
        "29-double",
        "9007199254740994",
        9007199254740994,
        "Row 57, To User ID: spreadsheets keep only 15 digits",
    ),
    (
        "29-shortest-double",
        "1234567890123456800",
        1234567890123456800,
        "Row 57, To User ID: spreadsheets keep",
    ),
    ("29-decimals", "9007199254740993.0", 9007199254740993, "Row 57, To User ID: spreadsheets keep only 15"),
]


@pytest.mark.parametrize(
    ("text", "number", "words"), [case[1:] for case in READ], ids=[case[0] for case in READ]
)
def test_lossless_spellings_are_read(text: str, number: int, words: str | None) -> None:
    found, problems = parse_id(text, TO_USER_ID, 57)
    assert found == number
    assert len(problems) == (words is not None)
    assert not any(problem.severity.blocks for problem in problems)
    assert all(problem.sentence.startswith(words or "") for problem in problems)


BLOCKED = [
    ("27", "19.5", "id-not-whole", None),
    ("27-comma", "19,5", "id-not-whole", None),
    ("27-below-one", "0.123", "id-not-whole", None),
    ("28", "1,234", "id-thousands-mark", 1234),
    ("28-point", "1.234", "id-thousands-mark", 1234),
    ("28-space", "1 234", "id-thousands-mark", 1234),
    ("28-nbsp", "1\u00a0234", "id-thousands-mark", 1234),
    ("28-apostrophe", "1'234", "id-thousands-mark", 1234),
    ("28-typographic", "1’234", "id-thousands-mark", 1234),
    ("28-millions", "1.234.567,00", "id-thousands-mark", 1234567),
    ("28-two-readings", "62.000", "id-thousands-mark", None),
    ("28-two-readings-comma", "2,000", "id-thousands-mark", None),
    ("28-both", "62,000.0000", "id-thousands-mark", 62000),
    ("28-lakh", "1,23,456", "id-thousands-mark", 123456),
    ("29", "1.9E+01", "id-shortened", None),
    ("29-long", "1.23457E+14", "id-shortened", None),
    ("29-comma", "1,23457e14", "id-shortened", None),
    ("29-hashes", "#####", "id-shortened", None),
    ("30-minus", "-19", "id-not-positive", None),
    ("30-plus", "+19", "id-not-positive", None),
    ("30-zero", "0", "id-not-positive", None),
    ("30-zeros", "000", "id-not-positive", None),
    ("30-true-minus", "\u221219", "id-not-positive", None),
    ("31", "Bo Chen", "id-is-text", None),
    ("31-email", "bo@example.com", "id-is-text", None),
    ("31-underscore", "1_9", "id-is-text", None),
    ("31-two", "18;19", "id-is-text", None),
    ("31-long", "9" * 5_000, "id-is-text", None),
    ("31-full-width", "１９", "id-other-digits", 19),
    ("31-arabic", "٣", "id-other-digits", 3),
    ("31-superscript", "1²", "id-is-text", None),
    ("31-lower-case-name", "Nan", "id-is-text", None),
    ("31-label", "#19", "id-with-label", 19),
    ("31-label-words", "User ID: 19", "id-with-label", 19),
    ("31-invisible", "6\u200b1", "id-invisible-characters", 61),
    ("31-invisible-mark", "1\u202c,061", "id-invisible-characters", None),
    ("24", "3-Jan", "id-is-date", None),
    ("24-iso", "2019-01-19", "id-is-date", None),
    ("24-iso-time", "2019-01-19T00:00:00.000Z", "id-is-date", None),
    ("24-slashes", "19/01/2026", "id-is-date", None),
    ("24-points", "19.1.26", "id-is-date", None),
    ("24-german", "3. Mär", "id-is-date", None),
    ("24-long", "January 3, 2026", "id-is-date", None),
    ("24-japanese", "2026年1月19日", "id-is-date", None),
    ("24-time", "12:00", "id-is-time", None),
    ("24-time-pm", "1:30:00 PM", "id-is-time", None),
    ("24-true", "TRUE", "id-is-truth-value", None),
    ("24-turkish", "YANLIŞ", "id-is-truth-value", None),
    ("24-name", "3 Mary", "id-is-text", None),
    ("32", "#N/A", "id-is-formula", None),
    ("32-ref", "#REF!", "id-is-formula", None),
    ("32-other-language", "#¡VALOR!", "id-is-formula", None),
    ("32-equals", "=A2", "id-is-formula", None),
    ("32-dde", "=cmd|'/c calc'!A0", "id-is-formula", None),
    ("32-ours", "'=A2", "id-is-formula", None),
    ("32-at", "@SUM(1)", "id-is-formula", None),
    ("32-libre", "Err:502", "id-is-formula", None),
    ("25-too-large", str(MAX_ID + 1), "id-too-large", None),
]


@pytest.mark.parametrize(
    ("text", "code", "suggestion"), [case[1:] for case in BLOCKED], ids=[case[0] for case in BLOCKED]
)
def test_every_other_text_is_explained(text: str, code: str, suggestion: int | None) -> None:
    found, [problem] = parse_id(text, TO_USER_ID, 57)
    assert found is None
    assert (problem.code, problem.severity, problem.suggestion) == (code, Severity.ERROR, suggestion)
    assert (problem.row, problem.column) == (57, TO_USER_ID)
    assert "Row 57" in problem.sentence
    assert TO_USER_ID in problem.sentence
    assert problem.value in problem.sentence
    assert problem.remedy


def test_a_remedy_names_both_readings() -> None:
    _, [problem] = parse_id("62.000", TO_USER_ID, 57)
    assert problem.remedy == "Enter 62000 or 62."


@pytest.mark.parametrize(
    "text", [case[1] for case in READ + BLOCKED], ids=[case[0] for case in READ + BLOCKED]
)
def test_a_cell_is_read_alike_from_a_file_and_when_typed(text: str) -> None:
    rows = parse(saved([["From User ID", "To User ID"], ["18", text], [text, "18"]])).rows
    assert [row.number for row in rows] == [2, 3]
    assert (rows[0].to_id, rows[0].problems) == parse_id(text, "To User ID", 2)
    assert (rows[1].from_id, rows[1].problems) == parse_id(text, "From User ID", 3)


WORDS_FOR_EMPTY = [
    "NULL",
    "NA",
    "NaN",
    "nan",
    "None",
    "\\N",
    "<NA>",
    "N/A",
    "n/a",
    "-",
    "–",
    "(null)",
    "'NULL",
    '"NULL"',
    '=""',
]


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "'", " ' ", "\t", "\u200b", "\u2066", *WORDS_FOR_EMPTY])
def test_case_4_a_blank_cell_has_no_problem(text: str) -> None:
    assert is_blank(text)
    assert parse_id(text, TO_USER_ID, 57) == (None, ())


def test_case_35_a_blank_source_is_left_to_the_validation() -> None:
    [row] = parse("From User ID,To User ID\n,19\n").rows
    assert (row.from_id, row.to_id, row.problems) == (None, 19, ())


def test_the_value_is_shortened_to_one_line_and_cannot_reorder_the_sentence() -> None:
    _, [problem] = parse_id("ab\n\u202egnp.{0}{value}" + "x" * 200, TO_USER_ID, 57)
    assert problem.value.startswith("ab \ufffdgnp.{0}{value}xxx")
    assert len(problem.value) == 80
    assert problem.value.endswith("…")
    assert "{0}{value}" in problem.sentence
