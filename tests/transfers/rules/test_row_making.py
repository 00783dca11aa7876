"""The contract tests can make rows of tables of which the models say little."""

import pytest
from django.db import models

from tests.transfers.rules import row_making
from tests.transfers.rules.people import People
from tests.transfers.rules.row_making import RowMaker
from tests.transfers.rules.running import change_tables

TABLES = """
CREATE TYPE grade AS ENUM ('low', 'high');
CREATE DOMAIN code_of AS varchar(6) NOT NULL;
CREATE TABLE "Sites of all" (region integer, number integer, name text, PRIMARY KEY (region, number));
CREATE TABLE shift (
    id bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id bigint NOT NULL REFERENCES tenancy_tenant,
    user_id bigint NOT NULL REFERENCES accounts_user,
    planner_id bigint REFERENCES accounts_user,
    region integer NOT NULL, number integer NOT NULL,
    code code_of, grade grade NOT NULL, at timestamptz NOT NULL, tags text[] NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(), doubled bigint GENERATED ALWAYS AS (user_id * 2) STORED,
    serial text NOT NULL UNIQUE, place numeric NOT NULL CHECK (place > 0),
    PRIMARY KEY (user_id, at), FOREIGN KEY (region, number) REFERENCES "Sites of all"
);
CREATE TABLE thing (id bigserial PRIMARY KEY);
"""


@pytest.fixture
def maker(people: People) -> RowMaker:
    change_tables(TABLES)
    return RowMaker(lambda tenant: people["X" if tenant == people.here.pk else "O"].pk)


def test_every_required_column_gets_a_value(people: People, maker: RowMaker) -> None:
    here = people.here.pk
    one = maker.row("shift", 1, here, {"user_id": people["S"].pk})
    other = maker.row("shift", 1, here, {"user_id": people["T"].pk})
    assert (one["tenant_id"], one["planner_id"], one["doubled"]) == (here, None, people["S"].pk * 2)
    assert (one["region"], one["number"]) == (other["region"], other["number"]), "one site per number"
    assert one["at"] == other["at"], "rows with the same number conflict"
    assert one["serial"] != other["serial"], "but not by a key without the user"


def test_a_table_with_defaults_only(people: People, maker: RowMaker) -> None:
    assert maker.row("thing", 1, people.here.pk, {})["id"]


def test_the_columns_beside_a_given_one_follow_from_its_row(people: People, maker: RowMaker) -> None:
    change_tables("""
        SET CONSTRAINTS ALL IMMEDIATE;
        ALTER TABLE accounts_user ADD UNIQUE (tenant_id, id);
        CREATE TABLE note (tenant_id bigint, user_id bigint,
            FOREIGN KEY (tenant_id, user_id) REFERENCES accounts_user (tenant_id, id));
    """)
    row = maker.row("note", 1, people.here.pk, {"user_id": people["O"].pk})
    assert row["tenant_id"] == people.there.pk


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("bent integer NOT NULL CHECK (bent = 77)", "violates check constraint"),
        ("bent point NOT NULL", "shift.bent is point"),
    ],
)
def test_a_value_that_only_the_app_knows(people: People, maker: RowMaker, column: str, words: str) -> None:
    change_tables(f"ALTER TABLE shift ADD {column}")
    with pytest.raises(pytest.fail.Exception) as failure:
        maker.row("shift", 1, people.here.pk, {"user_id": people["S"].pk})
    assert words in str(failure.value)
    assert 'EXAMPLES = {"shift.' in str(failure.value)


def test_an_app_names_a_value(people: People, maker: RowMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    change_tables("ALTER TABLE shift ADD bent integer NOT NULL CHECK (bent = 77)")
    monkeypatch.setattr(row_making, "examples", lambda: {"shift.bent": lambda number: 76 + number})
    assert maker.row("shift", 1, people.here.pk, {"user_id": people["S"].pk})["bent"] == 77


def test_a_text_that_is_too_long_keeps_its_number() -> None:
    assert row_making.text("serial_number", 12, 6) == "12"
    assert row_making.value_of_field(models.CharField(max_length=3, name="code"), 1, 7) == "7"
