"""Values that must not be changed on their way: users found exactly, digits of sums, members of arrays and lists."""

from typing import Any

import pytest

from tests.apps.smallapp import models as small
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, errors_at_start, failure, put, run
from tests.transfers.rules.people import People
from tests.transfers.rules.running import whole_row

CASELESS = {
    "a domain over citext": "CREATE EXTENSION IF NOT EXISTS citext; CREATE DOMAIN number AS citext;"
    " ALTER TABLE smallapp_badge ALTER employee_id TYPE number",
    "citext in another schema": "CREATE SCHEMA ext; GRANT USAGE ON SCHEMA ext TO PUBLIC;"
    " CREATE EXTENSION citext SCHEMA ext; ALTER TABLE smallapp_badge ALTER employee_id TYPE ext.citext",
}


@pytest.mark.parametrize("statements", CASELESS.values(), ids=CASELESS)
def test_an_attribute_that_ignores_case_under_another_name_stops_the_start(db: None, statements: str) -> None:
    """With the numbers E-S and e-s of two users, the rows of both would be found for one."""
    change(statements)
    [message] = errors_at_start()
    assert "employee_id ignores case or other differences" in message


@pytest.mark.parametrize(
    ("sql_type", "one", "other", "total"),
    [
        ("real", 1, 1234567, 1234568),
        ("double precision", 0, 9007199254740991, 9007199254740991),
        ("numeric(3,-2)", 800, 90000, 90800),  # rounded to hundreds
        ("numeric(3,-2)", 80000, 90000, 99900),  # the largest of three digits
        ("numeric(2,4)", 0.009, 0.0098, 0.0099),
        ("numeric(5,2)", "NaN", 1, "NaN"),  # a number would be wrong
    ],
)
def test_a_sum_keeps_all_digits(people: People, sql_type: str, one: Any, other: Any, total: Any) -> None:
    change(f"ALTER TABLE smallapp_totals ALTER large TYPE {sql_type}")
    totals = put(people, "smallapp_totals", ("S", 1, one), ("T", 1, other), columns="owner k large")
    assert [row["large"] for row in run(people, totals).world["smallapp_totals"]] == [total]


@pytest.mark.parametrize(
    ("sql_type", "value"),
    [("real", 3e38), ("double precision", 1.7e308), ("money", 9e16), ("interval", "178000000 years")],
)
def test_a_sum_beyond_the_range_of_a_type_that_is_not_cut(people: People, sql_type: str, value: Any) -> None:
    change(f"ALTER TABLE smallapp_totals ALTER large TYPE {sql_type} USING NULL")
    totals = put(people, "smallapp_totals", ("S", 1, value), ("T", 1, value), columns="owner k large")
    assert "out of range" in failure(people, totals)


def test_texts_of_a_fixed_length_are_joined_without_their_blanks(people: People) -> None:
    change("ALTER TABLE smallapp_folded ALTER words TYPE char(10)")
    folded = put(people, "smallapp_folded", ("S", 1, "new"), ("T", 1, "old"), columns="owner k words")
    assert [row["words"] for row in run(people, folded).world["smallapp_folded"]] == ["old; new  "]


@pytest.mark.parametrize("given", ["{S,NULL,NULL}", "{X,NULL,S}"])
def test_an_array_keeps_its_shape(people: People, given: str) -> None:
    spelled = given.replace("NULL", "null")
    for letter in "SX":
        spelled = spelled.replace(letter, str(people[letter].pk))
    running.insert("smallapp_watchlist", [whole_row(small.Watchlist, id=1, users=[])])
    change(f"UPDATE smallapp_watchlist SET users = '{spelled}'")
    run(people, running.type_of("smallapp_watchlist"))
    [after] = running.query("SELECT users::text FROM {}", "smallapp_watchlist")
    assert after == spelled.replace("null", "NULL").replace(str(people["S"].pk), str(people["T"].pk))


def test_a_domain_over_an_array_that_requires_two_members(people: People) -> None:
    change("""
        CREATE DOMAIN team AS bigint[] CHECK (cardinality(VALUE) >= 2);
        ALTER TABLE smallapp_watchlist ALTER users TYPE team;
    """)
    s, t, x = (people[letter].pk for letter in "STX")
    running.insert("smallapp_watchlist", [whole_row(small.Watchlist, id=1, users=[s, x])])
    assert errors_at_start() == []
    ran = run(people, running.type_of("smallapp_watchlist"))
    assert [row["users"] for row in ran.world["smallapp_watchlist"]] == [[t, x]]


def test_a_list_with_values_that_are_no_users(people: People) -> None:
    """Each user is listed once, but two equal values that are no users are left as they are."""
    s, t, x = (people[letter].pk for letter in "STX")
    others = [{"role": 1}, {"role": 1}, None, None, "a", "a"]
    document = {"user_ids": [s, *others]}
    running.insert("smallapp_petition", [whole_row(small.Petition, id=1, asked_by=x, document=document)])
    ran = run(people, running.type_of("smallapp_petition"))
    assert [row["document"] for row in ran.world["smallapp_petition"]] == [{"user_ids": [t, *others]}]
