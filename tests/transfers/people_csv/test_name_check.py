"""Cases 13 and 42 of docs/csv-cases.md: the name in the file must match the name of the user."""

import pytest

from transfers.people_csv import names_agree

SAME = [
    ("Ana", "Díaz", "Ana", "Díaz"),
    ("ANA", "díaz", "Ana", "Díaz"),
    ("", "", "Ana", "Díaz"),
    (" ", "Díaz", "Ana", "Díaz"),
    ("Ana", "D?az", "Ana", "Díaz"),
    ("Ana", "D_az", "Ana", "Díaz"),
    ("Ana", "DÃ\xadaz", "Ana", "Díaz"),
    ("Ana", "Di\u0301az", "Ana", "Díaz"),
    ("Ana", "Diaz", "Ana", "Díaz"),
    ("Ana", "D\ufffdaz", "Ana", "Díaz"),
    ("Omri", "Oszi", "Ömri", "Őszi"),
    ("Strasse", "Oesz", "Straße", "Ösz"),
    ("????", "??????", "Иван", "Петров"),
    ("Иван", "Петров", "Иван", "Петров"),
    ("Ana-Marie", "O'Neil", "Ana Marie", "O’Neil"),
    ("?", "_", "Ana", "Said"),
]
DIFFERENT = [
    ("Ana", "Díaz", "Omar", "Said"),
    ("Ana", "Díaz", "Ana", "Said"),
    ("", "Díaz", "Ana", "Said"),
    ("Ana", "D?az", "Ana", "Daniels"),
    ("Ana", "Diazz", "Ana", "Díaz"),
    ("Omar", "Said", "Иван", "Петров"),
    ("Иван", "Петров", "Omar", "Said"),
    ("Ana", "?x", "Ana", "Díaz"),
]


@pytest.mark.parametrize("names", SAME)
def test_spellings_of_one_name_agree(names: tuple[str, str, str, str]) -> None:
    assert names_agree(*names)


@pytest.mark.parametrize("names", DIFFERENT)
def test_names_of_two_people_do_not(names: tuple[str, str, str, str]) -> None:
    assert not names_agree(*names)
