"""Unusual tables of other systems: generated columns, intervals, unexpected types, and unique keys that contain an
owner column without its kind or tenant column.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db.models import Model

from accounts.models import User
from tests.apps.smallapp import models as small
from tests.transfers.rules import running
from tests.transfers.rules.featured import failure, put
from tests.transfers.rules.people import People
from tests.transfers.rules.running import change_tables, whole_row
from transfers.checks import declarations
from transfers.engine.catalog.tables import read_tables
from transfers.engine.compiler.plans import compile_plan, tables_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.prediction import predict
from transfers.engine.stage import StagedPair
from transfers.planning.counts import count_pairs
from transfers.rules import Column, Combine, DataType, Owner, Polymorphic

Rows = list[Mapping[str, Any]]


def transfer(people: People, model: type[Model], rows: Rows) -> list[dict[str, Any]]:
    """Insert and transfer the rows, assert that the preview predicted the counts, and return the rows in ID order."""
    table = model._meta.db_table
    running.insert(table, [whole_row(model, id=n, **row) for n, row in enumerate(rows, start=1)])
    entry = running.type_of(table)
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert ran.predicted == ran.counts
    return sorted(ran.world[table], key=lambda row: row["id"])


# --- Keys that fail for some values --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fails", "data_type"),
    [("RAISE 'too far'", "smallapp.keyed"), ("PERFORM repeat('far', 500000000)", "")],
)
def test_pairs_beside_one_whose_records_cannot_be_compared(
    people: People, fails: str, data_type: str
) -> None:
    """They are counted as they will run, which is together: the second pair takes a key from the first one."""
    far = User.objects.create(tenant=people.here, username="far", external_id="999")
    change_tables(f"""
        CREATE FUNCTION near(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS
            $$ BEGIN IF $1 = {far.pk} THEN {fails}; END IF; RETURN $1; END $$;
        CREATE UNIQUE INDEX near_once ON smallapp_keyed (near(owner_id), k);
    """)
    keyed = put(people, "smallapp_keyed", ("X", 1), columns="owner k")
    deals = ("S", people["U"].pk, 1), ("T", people["V"].pk, 1)
    deal = put(people, "smallapp_deal", *deals, columns="seller buyer k")
    with running.only(keyed, deal):
        together = count_pairs({n: (source.pk, target.pk) for n, (source, target) in enumerate(people.pairs)})
        pairs = enumerate([*people.pairs, (people["X"], far)])
        counts = count_pairs({n: (source.pk, target.pk) for n, (source, target) in pairs})
    assert "dropped" in together[0][deal.key]
    assert counts == together | {2: {data_type: {"refused": 1}}}


# --- Generated columns ---------------------------------------------------------------------------------------------

FOLDED = """
    DROP INDEX caseless_once;
    ALTER TABLE smallapp_caseless ADD folded text GENERATED ALWAYS AS (lower(name)) STORED;
    CREATE UNIQUE INDEX caseless_once ON smallapp_caseless (owner_id, folded);
"""
TAGGED = """
    DROP INDEX caseless_once;
    ALTER TABLE smallapp_caseless ADD tag text GENERATED ALWAYS AS (owner_id::text || lower(name)) STORED;
    CREATE UNIQUE INDEX caseless_once ON smallapp_caseless (tag);
"""


@pytest.mark.parametrize("statements", [FOLDED, TAGGED])
def test_a_key_over_a_generated_column(people: People, statements: str) -> None:
    change_tables(statements)
    s, t, x = (people[letter].pk for letter in "STX")
    rows = [(s, "box"), (t, "BOX"), (s, "Bag"), (x, "bag")]
    left = transfer(people, small.Caseless, [{"owner": owner, "name": name} for owner, name in rows])
    assert [(row["owner_id"], row["name"]) for row in left] == [(t, "BOX"), (t, "Bag"), (x, "bag")]


def test_a_new_name_does_not_conflict_in_a_generated_column(people: People) -> None:
    change_tables("""
        DROP INDEX folder_once;
        ALTER TABLE smallapp_folder ADD folded text GENERATED ALWAYS AS (lower(name)) STORED;
        CREATE UNIQUE INDEX folder_once ON smallapp_folder (owner_id, folded);
    """)
    s, t = people["S"].pk, people["T"].pk
    rows = [(s, "box"), (t, "BOX"), (t, "Box (2)")]
    left = transfer(people, small.Folder, [{"owner": owner, "name": name} for owner, name in rows])
    assert [(row["owner_id"], row["name"]) for row in left] == [(t, "box (3)"), (t, "BOX"), (t, "Box (2)")]


FREE_NAMES = {
    "NULLs that are equal": (
        "ALTER TABLE smallapp_folder ADD slot int; DROP INDEX folder_once;"
        " CREATE UNIQUE INDEX folder_once ON smallapp_folder (owner_id, slot, name) NULLS NOT DISTINCT",
        "box (3)",
    ),
    "NULLs that are equal, and a domain": (
        "CREATE DOMAIN title AS varchar(9); ALTER TABLE smallapp_folder ALTER name TYPE title, ADD slot int;"
        " DROP INDEX folder_once;"
        " CREATE UNIQUE INDEX folder_once ON smallapp_folder (owner_id, slot, name) NULLS NOT DISTINCT",
        "box (3)",
    ),
    "a type that ignores case": (
        "CREATE EXTENSION IF NOT EXISTS citext; ALTER TABLE smallapp_folder ALTER name TYPE citext",
        "box (3)",
    ),
    "a collation of its own": (
        'ALTER TABLE smallapp_folder ALTER name TYPE varchar(8) COLLATE "POSIX"',
        "box (3)",
    ),
    "a type of a fixed length": ("ALTER TABLE smallapp_folder ALTER name TYPE char(8)", "box (3) "),
}


@pytest.mark.parametrize(("statements", "name"), FREE_NAMES.values(), ids=FREE_NAMES)
def test_a_new_name_is_free_as_the_key_compares_it(people: People, statements: str, name: str) -> None:
    change_tables(statements)
    s, t = people["S"].pk, people["T"].pk
    second = "BOX (2)" if "citext" in statements else "box (2)"
    rows = [{"owner": owner, "name": given} for owner, given in ((s, "box"), (t, "box"), (t, second))]
    [renamed, *_] = transfer(people, small.Folder, rows)
    assert renamed["name"] == name


WITHOUT_FREE_NAMES = {
    "a key over the start of the name": (
        "DROP INDEX folder_once; CREATE UNIQUE INDEX folder_once ON smallapp_folder (owner_id, left(name, 1))"
    ),
    "a key over the end of the name": (
        "DROP INDEX folder_once; CREATE UNIQUE INDEX folder_once ON smallapp_folder (owner_id, right(name, 1))"
    ),
    "a column without room": "ALTER TABLE smallapp_folder ALTER name TYPE varchar(3)",
}


@pytest.mark.parametrize("statements", WITHOUT_FREE_NAMES.values(), ids=WITHOUT_FREE_NAMES)
def test_a_name_for_which_no_number_is_free_fails_the_pair(people: People, statements: str) -> None:
    """The search ends, the preview counts the row, and the key refuses it."""
    change_tables(f"{statements}; SET LOCAL statement_timeout = '20s'")
    names = ("S", "1)"), ("T", "1)")
    folder = put(people, "smallapp_folder", *names, columns="owner name")
    staged = [StagedPair(n, source.pk, target.pk) for n, (source, target) in enumerate(people.pairs)]
    with running.only(folder):
        assert predict(staged)[0]["smallapp.folder"]["nameless"] == 1
    assert 'violates unique constraint "folder_once"' in failure(people, folder)


def test_a_key_of_a_child_over_a_generated_column(people: People) -> None:
    change_tables("""
        DROP INDEX case_file_once;
        ALTER TABLE smallapp_casefile ADD place integer GENERATED ALWAYS AS (case_id * 1000 + number) STORED;
        CREATE UNIQUE INDEX case_file_once ON smallapp_casefile (place);
    """)
    files = [(1, 1), (1, 2), (2, 1)]
    rows = [
        whole_row(small.CaseFile, id=n, case=case, number=number) for n, (case, number) in enumerate(files, 1)
    ]
    cases = [{"owner": people["S"].pk, "k": 1}, {"owner": people["T"].pk, "k": 1}]
    running.insert("smallapp_case", [whole_row(small.Case, id=n, **case) for n, case in enumerate(cases, 1)])
    running.insert("smallapp_casefile", rows)
    left = transfer(people, small.Case, [])
    assert [row["id"] for row in left] == [2]
    files_left = running.world_of_records([running.type_of("smallapp_case")])["smallapp_casefile"]
    assert sorted((row["id"], row["case_id"]) for row in files_left) == [(2, 2), (3, 2)]


def test_a_generated_column_as_owner_stops_the_start(db: None) -> None:
    change_tables("""
        ALTER TABLE smallapp_plain DROP COLUMN owner_id;
        ALTER TABLE smallapp_plain ADD owner_id bigint GENERATED ALWAYS AS (v * 2) STORED;
    """)
    assert_refused("transfers.E104", "owner_id is a generated column ((v * 2))")


# --- Self-edges without a key --------------------------------------------------------------------------------------


def test_a_self_edge_is_dropped_without_any_unique_key(people: People) -> None:
    change_tables("DROP INDEX link_once")
    s, t, x = (people[letter].pk for letter in "STX")
    edges = [{"a_user": one, "b_user": other} for one, other in ((s, t), (t, s), (s, x), (t, x))]
    left = transfer(people, small.Link, edges)
    assert [(row["a_user_id"], row["b_user_id"]) for row in left] == [(t, x), (t, x)]


def test_what_was_a_self_edge_before_is_moved(people: People) -> None:
    s, t = people["S"].pk, people["T"].pk
    [left] = transfer(people, small.Link, [{"a_user": s, "b_user": s}])
    assert (left["a_user_id"], left["b_user_id"]) == (t, t)


# --- Intervals -----------------------------------------------------------------------------------------------------


def test_intervals_are_added(people: People) -> None:
    change_tables("ALTER TABLE smallapp_totals ALTER large TYPE interval USING make_interval(secs => large)")
    s, t = people["S"].pk, people["T"].pk
    rows = [
        (s, 1, "00:30:00"),
        (t, 1, "25:45:00"),
        (s, 2, "00:10:00"),
        (t, 2, None),
        (s, 3, None),
        (t, 3, "00:05:00"),
    ]
    left = transfer(
        people, small.Totals, [{"owner": owner, "k": k, "large": span} for owner, k, span in rows]
    )
    assert [(row["owner_id"], row["large"]) for row in left] == [
        (t, "26:15:00"),
        (t, "00:10:00"),
        (t, "00:05:00"),
    ]


def test_min_and_max_of_intervals(people: People) -> None:
    change_tables("""
        ALTER TABLE smallapp_folded ALTER first_at TYPE interval USING NULL, ALTER last_at TYPE interval USING NULL;
    """)
    rows = [
        {"owner": people[who].pk, "k": 1, "first_at": span, "last_at": span}
        for who, span in (("S", "100:00:00"), ("T", "9:00:00"))
    ]
    [left] = transfer(people, small.Folded, rows)
    assert (left["first_at"], left["last_at"]) == ("09:00:00", "100:00:00")


# --- Keys that do not identify the user, and attributes that do not match exactly ----------------------------------

REFUSED = {
    "no kind in the key": (
        "DROP INDEX attachment_once; CREATE UNIQUE INDEX attachment_once ON smallapp_attachment (object_id, name)",
        "attachment_once holds object_id without kind",
    ),
    "a partial key for users or some others": (
        "DROP INDEX attachment_once;"
        " CREATE UNIQUE INDEX attachment_once ON smallapp_attachment (object_id, name)"
        " WHERE id > 0 AND (kind = 'user' OR name = '(kind = ''user''::text)')",
        "attachment_once holds object_id without kind",
    ),
    "a partial key for several kinds": (
        "DROP INDEX attachment_once;"
        " CREATE UNIQUE INDEX attachment_once ON smallapp_attachment (object_id, name) WHERE kind <> 'team'",
        "attachment_once holds object_id without kind",
    ),
    "a partial key for another kind": (
        "DROP INDEX attachment_once;"
        " CREATE UNIQUE INDEX attachment_once ON smallapp_attachment (object_id, name) WHERE kind = 'team'",
        "attachment_once holds object_id without kind",
    ),
    "no tenant in the key": (
        "CREATE UNIQUE INDEX badge_door ON smallapp_badge (employee_id, door)",
        "badge_door holds employee_id without tenant_id",
    ),
    "an attribute inside an expression": (
        "CREATE UNIQUE INDEX login_once ON smallapp_login (lower(username), tenant_id, at)",
        "login_once (lower((username)::text), tenant_id, at) holds username inside an expression",
    ),
    "an attribute inside a generated column": (
        "ALTER TABLE smallapp_login ADD folded text GENERATED ALWAYS AS (lower(username)) STORED;"
        " CREATE UNIQUE INDEX login_once ON smallapp_login (folded, tenant_id, at)",
        "login_once (folded, tenant_id, at) holds username inside an expression",
    ),
    "a case-insensitive attribute": (
        "CREATE EXTENSION IF NOT EXISTS citext; ALTER TABLE smallapp_login ALTER username TYPE citext",
        "username ignores case",
    ),
    "case-insensitive attributes in a list": (
        "CREATE EXTENSION IF NOT EXISTS citext; DROP INDEX outside_list_people;"
        " ALTER TABLE smallapp_outsidelist ALTER people TYPE citext[] USING people::text::citext[]",
        "people ignores case",
    ),
    "rows of other users that exclude each other": (
        "CREATE EXTENSION btree_gist; ALTER TABLE smallapp_keyed"
        " ADD CONSTRAINT one_owner EXCLUDE USING gist (k WITH =, owner_id WITH <>)",
        "the exclusion constraint one_owner compares owner_id by another operator than =",
    ),
    "users that are close to each other": (
        "CREATE EXTENSION btree_gist; ALTER TABLE smallapp_keyed"
        " ADD CONSTRAINT near EXCLUDE USING gist (k WITH =, int8range(owner_id, owner_id + 3) WITH &&)",
        "the exclusion constraint near compares int8range(owner_id, (owner_id + 3)) by another operator",
    ),
}


@pytest.mark.parametrize(("statements", "words"), REFUSED.values(), ids=REFUSED)
def test_an_unsupported_key_or_column_stops_the_start(db: None, statements: str, words: str) -> None:
    change_tables(statements)
    assert_refused("transfers.E104", words)


def test_the_engine_refuses_it_before_changing_anything(people: People) -> None:
    change_tables("CREATE UNIQUE INDEX badge_door ON smallapp_badge (employee_id, door)")
    with pytest.raises(CannotCompile, match="badge_door"):
        transfer(people, small.Badge, [{"tenant": people.here.pk, "employee_id": "E-S", "door": 1}])
    assert [row["employee_id"] for row in running.rows_of("smallapp_badge")] == ["E-S"]


ALLOWED = {
    "a partial key for users only": "DROP INDEX attachment_once;"
    " CREATE UNIQUE INDEX attachment_once ON smallapp_attachment (object_id, name) WHERE kind = 'user'",
    "a partial key for some rows of users": "DROP INDEX attachment_once;"
    " CREATE UNIQUE INDEX attachment_once ON smallapp_attachment (object_id, name)"
    " WHERE name <> ')' AND (kind = 'user' AND id > 0)",
    "a key with the owner in its predicate only": "CREATE UNIQUE INDEX attachment_name ON smallapp_attachment (name)"
    " WHERE object_id IS NOT NULL",
    "an attribute and an expression of it": "CREATE UNIQUE INDEX badge_door"
    " ON smallapp_badge (employee_id, tenant_id, lower(employee_id), door)",
}


@pytest.mark.parametrize("statements", ALLOWED.values(), ids=ALLOWED)
def test_similar_keys_that_are_supported(db: None, statements: str) -> None:
    change_tables(statements)
    assert not refusals("transfers.E104", "transfers.E105")


# --- Columns of another type ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("smallapp_badge ALTER employee_id TYPE bytea USING ''", "operator does not exist: bytea = text"),
        ("smallapp_kiosk ALTER object_id TYPE bigint USING 0", "operator does not exist: bigint = text"),
        ("smallapp_folded ALTER flag TYPE text USING ''", "function bool_or(text) does not exist"),
    ],
)
def test_a_column_of_the_wrong_type_stops_the_start(db: None, change: str, words: str) -> None:
    change_tables(f"ALTER TABLE {change}")
    assert_refused("transfers.E105", words)


def refusals(*ids: str) -> list[str]:
    return [message.msg for message in run_checks(databases=["default"]) if message.id in ids]


def assert_refused(message_id: str, words: str) -> None:
    [found] = refusals(message_id)
    assert words in found


# --- Ambiguous owners ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "owner", "words"),
    [
        (
            small.Login,
            Column("username", holds="first_name", tenant="tenant"),
            "several users may have the same first_name",
        ),
        (
            small.Kiosk,
            Polymorphic("object_id", kind_field="", kind="user"),
            "object_id may hold a user's ID or another object's",
        ),
    ],
)
def test_an_ambiguous_owner_stops_the_start(model: type[Model], owner: Owner, words: str) -> None:
    [found] = declarations.ambiguous([DataType("Odd", model, (owner,), Combine(), "Odd rows.")])
    assert (found.id, words in found.msg) == ("transfers.E009", True)


@pytest.mark.parametrize("holds", ["employee_id", "username"])
@pytest.mark.parametrize("model", [small.Badge, small.Kiosk])
def test_an_attribute_without_its_tenant_stops_the_start(holds: str, model: type[Model]) -> None:
    """An employee ID is unique only within its tenant, and a user's former name may now be used in another tenant."""
    [found] = declarations.ambiguous(
        [DataType("Odd", model, (Column("name", holds=holds),), Combine(), "Odd.")]
    )
    assert found.id == "transfers.E010"
    assert f"name holds the {holds}, but no field with the tenant is declared" in found.msg
    assert f'Column("name", holds="{holds}", tenant="tenant"),' in str(found.hint)
    added = f'ALTER TABLE "{model._meta.db_table}" ADD tenant_id bigint NOT NULL DEFAULT '
    assert (added in str(found.hint)) == (model is small.Kiosk), "only if the table has no such column"


def test_the_engine_refuses_an_attribute_without_its_tenant(db: None) -> None:
    entry = replace(running.type_of("smallapp_login"), owners=(Column("username", holds="username"),))
    with pytest.raises(CannotCompile, match="username holds the username, but no field with the tenant"):
        compile_plan(entry, read_tables(tables_of(entry)))


def test_unambiguous_owners_pass() -> None:
    assert not list(declarations.ambiguous(running.small_types()))
