"""Normal forms in linear time: Python sorts a run of marks in quadratic time, so no run may be long."""

import unicodedata

import pytest

from transfers.people_csv.spelling import fold
from wording.normal_form import normalized

FORMS = ["NFC", "NFD", "NFKC", "NFKD"]


@pytest.mark.parametrize("form", FORMS)
def test_other_text_is_as_unicode_says(form: str) -> None:
    text = " ".join(["Ő", "e\u0323\u0301", "ﾊﾞ", "-" * 99, "x" + "\u0301\u0323" * 15, "\u0f73\u0301"])
    assert normalized(form, text) == unicodedata.normalize(form, text)  # type: ignore[arg-type]


@pytest.mark.parametrize("marks", ["\u0301\u0323", "\u0344\u0323", "\uff9e\u0301", "\u0f73\u0f74"])
def test_no_run_of_marks_is_long(marks: str) -> None:
    text = "a" + marks * 200
    runs = [longest_run(normalized(form, text)) for form in FORMS]  # type: ignore[arg-type]
    assert max(*runs, longest_run(fold(text))) <= 60
    assert fold("A" + marks * 200) == fold(text)


def longest_run(text: str) -> int:
    joined = "".join("m" if unicodedata.combining(char) else " " for char in text)
    return max(map(len, joined.split()))
