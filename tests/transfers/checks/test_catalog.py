"""The catalog is read in a number of queries that does not depend on the number of tables. Names keep their parts."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.transfers.checks.declaring import change, child_of, entry, found, table
from transfers.engine.catalog.names import parts_of
from transfers.rules import Child, DataType, Overwrite

MAKE = """
CREATE TABLE note_{n} (id bigint PRIMARY KEY, user_id bigint REFERENCES accounts_user);
CREATE INDEX ON note_{n} (user_id);
CREATE TABLE page_{n} (id bigint PRIMARY KEY, note_id bigint REFERENCES note_{n} ON DELETE CASCADE);
CREATE INDEX ON page_{n} (note_id);
"""


def made(numbers: range) -> list[DataType]:
    change("".join(MAKE.format(n=n) for n in numbers))
    return [made_type(n) for n in numbers]


def made_type(n: int) -> DataType:
    note = table(f"note_{n}")
    return entry(note, rule=Overwrite(), children=(Child(child_of(note, f"page_{n}"), "note"),))


def queries_of(types: list[DataType]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert found(*types) == []
    return len(captured)


@pytest.mark.django_db
def test_the_number_of_queries_does_not_depend_on_the_number_of_tables() -> None:
    few = made(range(3))
    queries = queries_of(few)
    assert queries <= 10
    assert queries_of(few + made(range(3, 150))) == queries


@pytest.mark.parametrize(
    ("db_table", "parts"),
    [
        ("note", ("note",)),
        ('suite"."note', ("suite", "note")),
        ('a "note"', ('a "note"',)),
        ('"suite"."two\nlines"', ("suite", "two\nlines")),
        ('"my.suite"."a"".""b"""', ("my.suite", 'a"."b"')),
    ],
)
def test_the_parts_of_a_name(db_table: str, parts: tuple[str, ...]) -> None:
    assert parts_of(db_table) == parts
