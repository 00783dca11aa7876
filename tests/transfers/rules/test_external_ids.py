"""Owners by the IDs that people have in the organisation's tables, in columns of any type."""

import re
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from django.core.checks import run_checks
from django.db import connection, transaction
from django.db.models import DateField, Model

from accounts.models import User
from audit.models import AuditEvent
from tests.apps.smallapp import models as small
from tests.fixtures.roles import as_owner
from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.running import change_tables, whole_row
from transfers.checks import declarations
from transfers.engine.prediction import predict
from transfers.engine.stage import StagedPair, compile_plans, set_stage
from transfers.engine.verification.misfits import MisfitRefused
from transfers.engine.worker import work_on
from transfers.models import Kind, State
from transfers.planning.plan import plan_for_pair
from transfers.rules import ArrayColumn, Combine, DataType, JsonPath, Polymorphic
from transfers.validation import gather, upcoming

UUID = "00000000-0000-0000-0000-0000000000ff"
TOO_LARGE = str(2**31)


def give(people: People, **texts: str) -> None:
    for letter, text in texts.items():
        people[letter].external_id = text
        people[letter].save()


def owned(model: type[Model], column: str, value: Any, **more: Any) -> DataType:
    """Insert a row, and return its data type."""
    table = model._meta.db_table
    running.insert(table, [whole_row(model, id=1, **{column: value}, **more)])
    return running.type_of(table)


# --- Values that do not fit -----------------------------------------------------------------------------------------

MISFITS = {
    "larger than integer": (small.OutsideInt, "agent_no", 101, "101", TOO_LARGE),
    "larger than smallint": (small.OutsideSmall, "person_no", 101, "101", "32768"),
    "larger than bigint": (small.OutsideBig, "person_no", 101, "101", str(2**63)),
    "no number": (small.OutsideInt, "agent_no", 101, "101", "abc"),
    "a zero in front": (small.OutsideInt, "agent_no", 101, "101", "0102"),
    "a fraction": (small.OutsideNumeric, "person_no", 101, "101", "1.5"),
    "too many digits": (small.OutsideNumeric, "person_no", 101, "101", "9" * 13),
    "no uuid": (small.OutsideMove, "person", UUID, UUID, "abc"),
    "a uuid in capitals": (small.OutsideMove, "person", UUID, UUID, UUID.upper().replace("00ff", "00FE")),
    "longer than char(40)": (small.OutsideChar, "person", "101", "101", "x" * 41),
    "spaces at the end of char": (small.OutsideChar, "person", "101", "101", "x "),
    "no number in a list": (small.OutsideList, "people", [101], "101", "abc"),
    "too large in a list": (small.OutsideList, "people", [101], "101", TOO_LARGE),
    "no uuid in a list": (small.OutsideUuids, "people", [UUID], UUID, "7"),
    "no number in a document": (small.OutsideDocument, "document", {"numbers": [101]}, "101", "abc"),
    "no number with a kind": (small.OutsideKind, "object_no", 101, "101", "abc"),
}
FILLED: dict[type[Model], dict[str, Any]] = {
    small.OutsideInt: {"k": 1},
    small.OutsideSmall: {"k": 1},
    small.OutsideBig: {"slot": 1},
    small.OutsideNumeric: {"name": "a"},
    small.OutsideChar: {"k": 1},
    small.OutsideKind: {"kind": "person", "name": "a"},
}
misfit = pytest.mark.parametrize(
    ("model", "column", "value", "source", "target"), MISFITS.values(), ids=MISFITS
)


@misfit
def test_only_the_pair_whose_target_does_not_fit_is_taken_out_of_the_preview(
    people: People, model: type[Model], column: str, value: Any, source: str, target: str
) -> None:
    give(people, S=source, T=target)
    entry = owned(model, column, value, **FILLED.get(model, {}))
    running.insert("smallapp_plain", [whole_row(small.Plain, id=1, owner=people["U"].pk, v=1)])
    with running.only(entry):
        found = predict([StagedPair(n, one.pk, other.pk) for n, (one, other) in enumerate(people.pairs)])
    assert found == {0: {entry.key: {"misfit": 1}}, 1: {"smallapp.plain": {"source": 1, "moved": 1}}}


@misfit
def test_such_a_pair_fails_and_changes_nothing(
    people: People, model: type[Model], column: str, value: Any, source: str, target: str
) -> None:
    give(people, S=source, T="")
    entry = owned(model, column, value, **FILLED.get(model, {}))
    before = running.world_of_records([entry])
    give(people, T=target)
    with running.only(entry), pytest.raises(MisfitRefused, match="cannot hold the external ID"):
        running.run_pairs(people.by, people.pairs[:1], [entry])
    assert running.world_of_records([entry]) == before


def test_blanks_at_the_end_of_a_source_do_not_take_the_rows_of_another_user(people: People) -> None:
    give(people, T="109", S="102 ")
    give(people, U="102")
    entry = owned(small.OutsideChar, "person", "102", k=1)
    staged = [StagedPair(0, people["S"].pk, people["T"].pk)]
    with running.only(entry):
        assert predict(staged) == {}
        ran = running.run_pairs(people.by, people.pairs[:1], [entry])
    assert [row["person"].rstrip() for row in ran.world["smallapp_outsidechar"]] == ["102"]


def test_nor_the_places_of_another_user_in_a_list(people: People) -> None:
    change_tables("ALTER TABLE smallapp_outsidelist ALTER people TYPE char(9)[]")
    give(people, S="E ", X="E", U="F", T="G", V="H")
    entry = owned(small.OutsideList, "people", ["E", "F"])
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert [[one.rstrip() for one in row["people"]] for row in ran.world["smallapp_outsidelist"]] == [
        ["E", "H"]
    ]
    assert ran.counts == ran.predicted


def test_a_type_that_would_cut_the_target(people: People) -> None:
    change_tables("ALTER TABLE smallapp_outsidetext ALTER person TYPE name")
    give(people, S="101", T="é" * 32)
    entry = owned(small.OutsideText, "person", "101", k=1)
    pair = StagedPair(0, people["S"].pk, people["T"].pk)
    with running.only(entry):
        assert predict([pair]) == {0: {entry.key: {"misfit": 1}}}
        give(people, T="é" * 31)
        assert predict([pair])[0][entry.key]["moved"] == 1


def test_the_preview_names_value_and_type(people: People) -> None:
    give(people, T=TOO_LARGE)
    owned(small.OutsideInt, "agent_no", 101, k=1)
    S, T = people["S"], people["T"]
    plan = plan_for_pair(people.by, S.pk, T.pk)
    [problem] = [problem for problem in plan.rows[0].problems if problem.code == "id-does-not-fit"]
    assert problem.sentence == (
        f"Small OutsideInt cannot hold the external ID “{TOO_LARGE}” of T ({T.pk}):"
        " the column that refers to the user has another type."
    )
    assert problem.severity.blocks


def test_a_target_without_an_external_id(people: People) -> None:
    give(people, T="")
    plan = plan_for_pair(people.by, people["S"].pk, people["T"].pk)
    [problem] = [one for one in plan.rows[0].problems if one.code == "target-without-attribute"]
    assert "T" in problem.sentence
    assert "has no external ID" in problem.sentence
    assert "manage.py sync_people" in problem.remedy


def test_a_value_that_ceased_to_fit_fails_the_pair_with_its_reason(people: People) -> None:
    owned(small.OutsideInt, "agent_no", 101, k=1)
    transfer = running.cast.transfer(people.by, *people.pairs[:1], state=State.QUEUED, kind=Kind.SINGLE)
    give(people, T=TOO_LARGE)
    work_on(transfer.pk)
    pair = transfer.pairs.get()
    assert (pair.state, pair.code, pair.data_type) == ("failed", "id-does-not-fit", "smallapp.outsideint")
    assert pair.reason.startswith("Small OutsideInt: the column that refers to the user cannot hold")
    assert AuditEvent.objects.filter(kind="pair-failed", pair_id=pair.pk).exists()


# --- Users of several tenants ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["S", "T"])
def test_a_table_without_tenant_is_refused_if_two_tenants_have_the_same_person(
    people: People, letter: str
) -> None:
    give(people, O=people[letter].external_id)
    entry = owned(small.OutsideInt, "agent_no", 101, k=1)
    staged = [StagedPair(n, one.pk, other.pk) for n, (one, other) in enumerate(people.pairs)]
    with running.only(entry):
        assert predict(staged) == {0: {entry.key: {"shared": 1}}}
        with pytest.raises(MisfitRefused, match="does not tell tenants apart"):
            running.run_pairs(people.by, people.pairs[:1], [entry])
    plan = plan_for_pair(people.by, people["S"].pk, people["T"].pk)
    assert "attribute-of-two-tenants" in [problem.code for problem in plan.rows[0].problems]


@pytest.mark.parametrize("letter", ["S", "T"])
def test_a_profile_of_a_person_whom_two_tenants_have(people: People, letter: str) -> None:
    """The row with the external ID may be that of the other tenant's user."""
    give(people, O=people[letter].external_id)
    entry = owned(small.OutsideProfile, "person_no", 101, seen=1)
    running.insert("smallapp_outsideprofile", [whole_row(small.OutsideProfile, id=2, person_no=102)])
    before = running.rows_of("smallapp_outsideprofile")
    staged = [StagedPair(n, one.pk, other.pk) for n, (one, other) in enumerate(people.pairs)]
    with running.only(entry):
        assert predict(staged) == {0: {entry.key: {"shared": 1}}}
        with pytest.raises(MisfitRefused, match="does not tell tenants apart"):
            running.run_pairs(people.by, people.pairs[:1], [entry])
    assert running.rows_of("smallapp_outsideprofile") == before


def test_a_table_with_the_tenant_tells_them_apart(people: People) -> None:
    give(people, O=people["S"].external_id)
    rows = [
        whole_row(small.OutsideTenant, id=n, tenant=tenant.pk, person_no=101, k=1)
        for n, tenant in enumerate((people.here, people.there), 1)
    ]
    running.insert("smallapp_outsidetenant", rows)
    entry = running.type_of("smallapp_outsidetenant")
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert [row["person_no"] for row in ran.world["smallapp_outsidetenant"]] == [102, 101]


# --- Indexes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "column"),
    [
        (small.OutsideText, "person"),
        (small.OutsideSmall, "person_no"),
        (small.OutsideInt, "agent_no"),
        (small.OutsidePair, "coach"),
        (small.OutsideBig, "person_no"),
        (small.OutsideChar, "person"),
        (small.OutsideNumeric, "person_no"),
        (small.OutsideUuid, "person"),
        (small.OutsideMove, "person"),
        (small.OutsideTenant, "person_no"),
        (small.OutsideKind, "object_no"),
    ],
)
def test_the_column_is_compared_in_its_own_type(people: People, model: type[Model], column: str) -> None:
    entry = running.type_of(model._meta.db_table)
    people.suit(entry)
    staged = [StagedPair(n, one.pk, other.pk) for n, (one, other) in enumerate(people.pairs)]
    with running.only(entry), transaction.atomic(), connection.cursor() as cursor:
        # As if never analyzed: autovacuum may have seen the table without rows, which all plans read at the same cost.
        with as_owner():
            cursor.execute(
                "UPDATE pg_class SET reltuples = -1 WHERE oid = %s::regclass", [model._meta.db_table]
            )
        set_stage(staged)
        [plan] = [plan for plan in compile_plans() if plan.data_type == entry]
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        cursor.execute(f"EXPLAIN {plan.totals.left_behind}")
        explained = "\n".join(line for (line,) in cursor.fetchall())
    compared = rf"Index Cond: \(.*\b{column}\)?(::text)? = \(?p(_1)?\.source"
    assert re.search(compared, explained), explained


# --- Declarations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "owner"),
    [
        (small.OutsideList, ArrayColumn("people", holds="employee_id")),
        (small.OutsideDocument, JsonPath("document", holds="username")),
        (small.OutsideKind, Polymorphic("object_no", "kind", "user", holds="employee_id")),
    ],
)
def test_lists_hold_no_other_attributes(model: type[Model], owner: Any) -> None:
    [found] = declarations.ambiguous([DataType("Odd", model, (owner,), Combine(), "Odd.")])
    assert found.id == "transfers.E009"
    assert 'holds="external_id"' in str(found.hint)


@pytest.mark.parametrize("sql_type", ["date", "boolean", "bytea", "real"])
def test_a_type_that_holds_no_external_id_stops_the_start(db: None, sql_type: str) -> None:
    change_tables(f"ALTER TABLE smallapp_outsidebig ALTER person_no TYPE {sql_type} USING NULL")
    [found] = [message for message in run_checks(databases=["default"]) if message.id == "transfers.E105"]
    assert 'TYPE text USING "person_no"::text' in str(found.hint)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE DOMAIN person_no AS integer CHECK (VALUE > 0);"
        " ALTER TABLE smallapp_outsideint ALTER agent_no TYPE person_no",
        "ALTER TABLE smallapp_outsidetext ALTER person TYPE uuid USING NULL",
        "ALTER TABLE smallapp_outsidekind ALTER object_no TYPE varchar(9)",
        "ALTER TABLE smallapp_outsidelist ALTER people TYPE text[]",
        "ALTER TABLE smallapp_outsidelist ALTER people TYPE char(9)[]",
    ],
)
def test_other_types_that_do(db: None, change: str) -> None:
    change_tables(change)
    wrong = [message for message in run_checks(databases=["default"]) if message.level >= 40]
    assert not wrong


def test_the_facts_of_a_user_have_the_external_id(people: People) -> None:
    assert gather(people.by, [people["S"].pk]).users[people["S"].pk].external_id == "101"
    assert User.objects.get(pk=people["S"].pk).external_id == "101"


@pytest.mark.parametrize(
    ("model", "column"),
    [(small.OutsideInt, "agent_no"), (small.OutsideChar, "person"), (small.OutsideNumeric, "person_no")],
)
def test_upcoming_records_of_a_target(people: People, model: type[Model], column: str) -> None:
    change_tables(f"ALTER TABLE {model._meta.db_table} ADD day date DEFAULT current_date")
    entry = owned(model, column, "102" if column == "person" else 102, **FILLED[model])
    with_day = replace(entry, model=with_field(model), day="day")
    with patch.object(upcoming, "data_types", lambda: [with_day]):
        found = upcoming.upcoming_of({with_day.key: [people["T"].pk]})
    assert found == {people["T"].pk: f"1 upcoming {entry.name}"}


def with_field(model: type[Model]) -> type[Model]:
    """Return a model of the same table that has the field `day`."""
    fields = {
        field.name: field.clone() for field in model._meta.local_concrete_fields if not field.primary_key
    }
    meta = type("Meta", (), {"app_label": "quality", "managed": False, "db_table": model._meta.db_table})
    return type(
        f"{model.__name__}Day", (Model,), {"__module__": __name__, "Meta": meta, "day": DateField(), **fields}
    )
