"""Which texts are spellings of one text, in Unicode and in code pages that lack some of its letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadsheets.columns import DELIMITERS
from spreadsheets.encodings import find_encoding, undecoded
from transfers.people_csv.spelling import ASCII, CODE_PAGES, fits, fold, fold_name

SAME = [
    ("ANA", "ana"),
    ("Di\u0301az", "Díaz"),
    ("İbrahim", "IBRAHIM"),
    ("Aydın", "AYDIN"),
    ("Straße", "STRASSE"),
    ("ＢＯ", "Bo"),
    ("ｱｵｷ", "アオキ"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ("O’Neil", "O'Neil"),
    ("Ana\u2011Marie", "Ana-Marie"),
    ("Ana\u00a0Marie", "Ana Marie"),
    ("\u202bנור\u202c", "נור"),
    ("葛\U000e0100", "葛"),
]
DIFFERENT = [
    ("Díaz", "Diaz"),
    ("Öz", "Oz"),
    ("ハハ", "ババ"),
    ("Anna", "Аnna"),
    ("ana.marie", "ana-marie"),
    ("1", "２"),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_spellings_that_fold_to_one_text(one: str, two: str) -> None:
    assert fold(one) == fold(two)
    assert fold_name(one) == fold_name(two)


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_texts_that_do_not(one: str, two: str) -> None:
    assert fold(one) != fold(two)


def test_hyphens_apostrophes_and_spaces_count_in_a_user_name_only() -> None:
    assert fold_name("Ana-Marie O'Neil") == fold_name("Ana Marie ONeil")
    assert fold("ana-marie") != fold("anamarie")


FITS = [
    ("D?az", "Díaz", ASCII),
    ("D_az", "Díaz", ASCII),
    ("D\ufffdaz", "Díaz", ASCII),
    ("D\ufffd\ufffdaz", "Díaz", ASCII),
    ("Diaz", "Díaz", ASCII),
    ("Oesz", "Ösz", ASCII),
    ("Strasse", "Straße", ASCII),
    ("Oszi", "Őszi", "cp1252"),
    ("M?ller-Őszi", "Müller-Őszi", "ascii"),
    ("????", "Иван", "cp1252"),
    ("?ука", "Ђука", "koi8_r"),
    ("??", "\U00020bb7", "cp932"),
    ("Aeon Olaf", "Æon Ølaf", "cp1251"),
]
FITS_NOT = [
    ("Daz", "Díaz", ASCII),
    ("Doaz", "Díaz", ASCII),
    ("?iaz", "Diaz", ASCII),
    ("D?az", "Díaz", "cp1252"),
    ("Diaz", "Díaz", "cp1252"),
    ("???", "Иван", "cp1252"),
    ("?????", "Иван", "cp1252"),
    ("Bo", "Иван", "cp1252"),
    ("????", "Ivan", "cp1252"),
    ("Díaz", "Diaz", "cp1251"),
]


@pytest.mark.parametrize(("found", "known", "page"), FITS)
def test_letters_that_the_code_page_lacks(found: str, known: str, page: str) -> None:
    assert fits(fold_name(found), known, page, name=True)


@pytest.mark.parametrize(("found", "known", "page"), FITS_NOT)
def test_other_letters_are_not_replaced(found: str, known: str, page: str) -> None:
    assert not fits(fold_name(found), known, page, name=True)


@given(st.text(), st.text(), st.sampled_from([ASCII, *CODE_PAGES]), st.booleans())
def test_any_two_texts_can_be_compared(found: str, known: str, page: str, name: bool) -> None:
    assert fits(fold_name(found) if name else fold(found), known, page, name=name) in (True, False)


# --- The bytes of a code page ----------------------------------------------------------------------------------------


@given(st.binary())
def test_bytes_survive_decoding_as_windows_1252(content: bytes) -> None:
    encoding = find_encoding(b"\xff" + content)
    if encoding.codec == "cp1252":
        text = content.decode(encoding.codec, encoding.errors)
        assert undecoded(text) == content
        assert len(text) == len(content)


@pytest.mark.parametrize("page", CODE_PAGES)
def test_no_letter_contains_the_byte_of_a_separator_or_quote(page: str) -> None:
    """Otherwise a file in a code page could not be split into cells before its code page is known."""
    special = {*DELIMITERS, '"', "'", "\r", "\n"}
    for char in map(chr, (*range(0x80, 0xD800), *range(0xE000, 0x10000))):
        written = char.encode(page, "ignore")
        assert special.isdisjoint(written.decode("latin-1")), (char, written)
