"""Tables as other systems build them: small integers, edges to something other than a user, keys added later."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accounts.models import User
from tests.apps.smallapp import models as small
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, owners, put, run
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from tests.transfers.rules.running import change_tables, whole_row
from transfers.engine.catalog.tables import read_tables
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.prediction import predict
from transfers.engine.stage import StagedPair
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.rules import Column, Combine, KeepTarget, Polymorphic, Sum

FAR = 2**40  # an ID that no integer column can hold


def test_users_with_an_id_that_no_array_can_hold_do_not_disturb_the_others(people: People) -> None:
    change_tables("ALTER TABLE smallapp_watchlist ALTER users TYPE integer[]")
    far, farther = (
        User.objects.create(pk=FAR + n, tenant=people.here, username=f"far {n}") for n in range(2)
    )
    entry = running.type_of("smallapp_watchlist")
    running.insert("smallapp_watchlist", [whole_row(small.Watchlist, id=1, users=[people["S"].pk])])
    pairs = [(people["S"], people["T"]), (far, people["V"]), (people["U"], farther)]
    with running.only(entry):
        staged = [StagedPair(n, source.pk, target.pk) for n, (source, target) in enumerate(pairs)]
        assert predict(staged) == {0: {entry.key: {"source": 1, "moved": 1}}}


def test_an_array_of_two_dimensions_is_not_flattened(people: People) -> None:
    entry = running.type_of("smallapp_watchlist")
    change_tables(f"""
        INSERT INTO smallapp_watchlist (id, name, users)
        VALUES (1, '', ARRAY[[{people["S"].pk}, {people["X"].pk}], [{people["X"].pk}, {people["X"].pk}]])
    """)
    with running.only(entry), pytest.raises(TotalsMismatch, match="records still belong to the Source User"):
        running.run_pairs(people.by, people.pairs, [entry])


def test_arrays_keep_their_order_and_each_user_once(people: People) -> None:
    entry = running.type_of("smallapp_watchlist")
    s, t, x = (people[letter].pk for letter in "STX")
    change_tables(f"""
        INSERT INTO smallapp_watchlist (id, name, users) VALUES (1, '', '[3:6]={{{x},{s},NULL,{t}}}'), (2, '', NULL)
    """)
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert [row["users"] for row in ran.world["smallapp_watchlist"]] == [[x, t, None], None]


NARROW = {
    "array": (
        "ALTER TABLE smallapp_watchlist ALTER users TYPE integer[];"
        " CREATE UNIQUE INDEX watched_once ON smallapp_watchlist (users)",
        "smallapp_watchlist",
        lambda user: whole_row(small.Watchlist, id=user.pk, users=[user.pk]),
    ),
    "integer": (
        "ALTER TABLE smallapp_keyed ALTER owner_id TYPE integer",
        "smallapp_keyed",
        lambda user: whole_row(small.Keyed, id=user.pk, owner=user.pk),
    ),
    "text": (
        "ALTER TABLE smallapp_kiosk ALTER object_id TYPE varchar(9)",
        "smallapp_kiosk",
        lambda user: whole_row(small.Kiosk, id=user.pk, kind="user", object_id=str(user.pk)),
    ),
}


@pytest.mark.parametrize(("change", "table", "row"), NARROW.values(), ids=NARROW)
def test_only_the_pair_whose_target_does_not_fit_is_taken_out_of_the_preview(
    people: People, change: str, table: str, row: Callable[[User], dict[str, Any]]
) -> None:
    change_tables(change)
    far, farther = (
        User.objects.create(pk=FAR + n, tenant=people.here, username=f"far {n}") for n in range(2)
    )
    entry = replace(running.type_of(table), rule=Combine(on_clash=KeepTarget()))
    running.insert(table, [row(people["S"]), row(people["U"])])
    pairs = [(people["S"], far), (people["U"], people["V"]), (people["T"], farther)]
    with running.only(entry):
        staged = [StagedPair(n, source.pk, target.pk) for n, (source, target) in enumerate(pairs)]
        assert predict(staged) == {
            0: {entry.key: {"unfit": 1}},
            1: {entry.key: {"source": 1, "moved": 1}},
        }


def test_a_target_fits_if_no_row_of_the_source_would_get_its_id(people: People) -> None:
    """The first target is in another column than the small one; another pair is taken out."""
    change_tables("ALTER TABLE smallapp_contest ALTER buyer_id TYPE integer")
    far, farther = (
        User.objects.create(pk=FAR + n, tenant=people.here, username=f"far {n}", employee_id=f"E-far{n}")
        for n in range(2)
    )
    contest, badge = running.type_of("smallapp_contest"), running.type_of("smallapp_badge")
    held = [{"seller": far.pk, "buyer": None}, {"seller": people["T"].pk, "buyer": people["X"].pk}]
    running.insert(
        "smallapp_contest", [whole_row(small.Contest, id=n, k=n, **row) for n, row in enumerate(held, 1)]
    )
    badges = [
        whole_row(small.Badge, id=n, tenant=people.here.pk, employee_id=people[user].employee_id, door=1)
        for n, user in enumerate("SU", 1)
    ]
    running.insert("smallapp_badge", badges)
    pairs = [(people["S"], far), (people["U"], people["V"]), (people["X"], farther)]
    with running.only(contest, badge):
        staged = [StagedPair(n, source.pk, target.pk) for n, (source, target) in enumerate(pairs)]
        assert predict(staged) == {
            0: {contest.key: {"target": 1}, badge.key: {"source": 1, "moved": 1}},
            1: {badge.key: {"source": 1, "moved": 1}},
            2: {contest.key: {"unfit": 1}},
        }


@pytest.mark.parametrize(("kind", "is_kept"), [("team", True), ("user", False)])
def test_an_edge_to_another_kind_with_the_number_of_the_target(
    people: People, kind: str, is_kept: bool
) -> None:
    change_tables("DROP INDEX contest_seller, contest_buyer")
    entry = replace(
        running.type_of("smallapp_contest"),
        owners=(Column("seller"), Polymorphic("buyer", kind_field="level", kind="user")),
        rule=Combine(),
        self_edges="drop",
    )
    s, t = people["S"].pk, people["T"].pk
    row = whole_row(small.Contest, id=1, seller=s, buyer=t, k=1, level=kind)
    running.insert("smallapp_contest", [row])
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert [kept["seller_id"] for kept in ran.world["smallapp_contest"]] == ([t] if is_kept else [])
    assert ran.counts == ran.predicted


def test_an_edge_between_a_number_and_a_text(people: People) -> None:
    """Both owners hold the target afterwards, one of them as text."""
    change_tables("""
        DROP INDEX contest_seller, contest_buyer;
        ALTER TABLE smallapp_contest DROP buyer_id, ADD buyer_id text;
    """)
    entry = replace(
        running.type_of("smallapp_contest"),
        owners=(Column("seller"), Polymorphic("buyer", kind_field="level", kind="user", as_text=True)),
        rule=Combine(),
        self_edges="drop",
    )
    rows = [
        whole_row(small.Contest, id=n, seller=people["S"].pk, buyer=str(people[letter].pk), k=n, level="user")
        for n, letter in enumerate("TX", start=1)
    ]
    running.insert("smallapp_contest", rows)
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert [row["id"] for row in ran.world["smallapp_contest"]] == [2]


def test_a_sum_over_a_domain_saturates(people: People) -> None:
    change_tables("""
        CREATE DOMAIN small_number AS smallint;
        ALTER TABLE smallapp_counter ALTER n TYPE small_number;
    """)
    entry = running.type_of("smallapp_counter")
    rows = [
        whole_row(small.Counter, id=n, owner=people[letter].pk, day=1, n=32000)
        for n, letter in enumerate("ST", start=1)
    ]
    running.insert("smallapp_counter", rows)
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert isinstance(entry.rule.on_clash.columns["n"], Sum)
    assert [row["n"] for row in ran.world["smallapp_counter"]] == [32767]


def test_a_key_that_was_added_after_the_confirmation(people: People) -> None:
    """Its conflicts must not be decided by a policy that nobody declared."""
    plain = running.type_of("smallapp_plain")
    change_tables("CREATE UNIQUE INDEX plain_late ON smallapp_plain (owner_id, v)")
    owners = enumerate((people["S"].pk, people["T"].pk), start=1)
    running.insert("smallapp_plain", [{"id": n, "owner_id": owner, "v": 0} for n, owner in owners])
    with running.only(plain), pytest.raises(CannotCompile, match="plain_late"):
        running.run_pairs(people.by, people.pairs, [plain])
    assert len(running.rows_of("smallapp_plain")) == 2


def test_a_key_in_another_collation_than_its_column(people: People) -> None:
    change_tables("""
        DROP INDEX caseless_once;
        CREATE UNIQUE INDEX caseless_once ON smallapp_caseless (owner_id, name COLLATE "POSIX");
    """)
    [key] = [
        key
        for key in read_tables(["smallapp_caseless"])["smallapp_caseless"].keys
        if key.name == "caseless_once"
    ]
    assert key.compared == ("owner_id", 'name COLLATE pg_catalog."POSIX"')
    assert key.columns == {"owner_id", "name"}
    rows = [
        whole_row(small.Caseless, id=n, owner=people[letter].pk, name="box")
        for n, letter in enumerate("ST", start=1)
    ]
    running.insert("smallapp_caseless", rows)
    entry = replace(running.type_of("smallapp_caseless"), rule=Combine(on_clash=KeepTarget()))
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert [row["id"] for row in ran.world["smallapp_caseless"]] == [2]


def test_a_key_that_depends_on_the_time_zone_is_compared_as_in_the_run(people: People) -> None:
    """A function that is declared immutable, and is not. Both rows are of one day in UTC, but not on the west coast."""
    change("""
        CREATE FUNCTION local_day(timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS 'SELECT $1::date';
        DROP INDEX keyed_once;
        CREATE UNIQUE INDEX keyed_once ON smallapp_keyed (owner_id, local_day(updated_at));
    """)
    times = [("S", 1, "2026-01-01T04:30:00+00"), ("T", 2, "2026-01-01T12:00:00+00")]
    keyed = put(people, "smallapp_keyed", *times, columns="owner k updated_at")
    change("SET LOCAL timezone = 'America/Los_Angeles'")
    assert owners(people, run(people, keyed), "smallapp_keyed") == {2: "T"}


def test_an_array_with_bounds_of_its_own(people: People) -> None:
    """A list in which a user is replaced is numbered from 1."""
    s, t, x = (people[letter].pk for letter in "STX")
    change(f"INSERT INTO smallapp_watchlist (id, name, users) VALUES (1, '', '[0:1]={{{s},{x}}}')")
    watchlist = running.type_of("smallapp_watchlist")
    before = rows_as_text([watchlist])
    transfer_id = run(people, watchlist).transfer_id
    assert rows_as_text([watchlist])["smallapp_watchlist"] == [f'(1,"","{{{t},{x}}}")']
    restore(transfer_id)
    assert rows_as_text([watchlist]) == before
