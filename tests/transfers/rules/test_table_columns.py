"""Columns, types and names that a table of another system may have; `docs/tables.md` lists them."""

from dataclasses import replace
from unittest.mock import patch

import pytest
from django.core.checks import run_checks
from django.db import connection

from accounts.models import User
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, failure, model_of, owners, put, refusal, run, to
from tests.transfers.rules.meddling import meddle
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from transfers.engine.compiler import journal
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.prediction import predict
from transfers.engine.stage import MissingTable, StagedPair, compile_plans, plan_cache
from transfers.models import JournalEntry
from transfers.rules import Child, Column, Combine, DataType, JsonPath, KeepTarget

# --- Identity columns -----------------------------------------------------------------------------------------------


def test_an_identity_column_as_owner_stops_the_start(db: None) -> None:
    change("ALTER TABLE smallapp_plain ALTER owner_id ADD GENERATED ALWAYS AS IDENTITY")
    assert "can only be updated to DEFAULT" in refusal("transfers.E105")


def test_identity_columns_keep_their_values(people: People) -> None:
    sched = put(people, "smallapp_sched", "S1", "T2", "X3", columns="owner slot")
    change("""
        ALTER TABLE smallapp_sched ALTER id DROP IDENTITY IF EXISTS;
        ALTER TABLE smallapp_sched ALTER id ADD GENERATED ALWAYS AS IDENTITY
    """)
    before = rows_as_text([sched])
    ran = run(people, sched)
    assert owners(people, ran, "smallapp_sched") == {1: "T", 3: "X"}
    restore(ran.transfer_id)
    assert rows_as_text([sched]) == before


# --- Types -----------------------------------------------------------------------------------------------------------


def test_a_key_that_prints_a_number_with_decimals(people: People) -> None:
    """17 and 17.00 are equal, but not their texts."""
    change("""
        DROP INDEX attachment_once; ALTER TABLE smallapp_attachment ALTER object_id TYPE numeric(20, 2);
        CREATE UNIQUE INDEX once ON smallapp_attachment ((object_id::text), kind, name);
    """)
    rows = ("S", "user", "a"), ("T", "user", "a"), ("S", "user", "b")
    attachment = put(people, "smallapp_attachment", *rows, columns="object_id kind name")
    ran = run(people, attachment)
    assert ran.counts == {0: {attachment.key: {"source": 2, "target": 1, "moved": 1, "dropped": 1}}}


@pytest.mark.parametrize("table", ["smallapp_plain", "smallapp_keyed", "smallapp_sched", "smallapp_counter"])
def test_an_owner_of_a_domain(people: People, table: str) -> None:
    change(
        f"CREATE DOMAIN user_no AS bigint CHECK (value > 0); ALTER TABLE {table} ALTER owner_id TYPE user_no"
    )
    further = {"smallapp_sched": " slot", "smallapp_counter": " day n"}.get(table, "")
    rows = [[letter, *[1] * len(further.split())] for letter in "SX"]
    entry = put(people, table, *rows, columns=f"owner{further}")
    assert owners(people, run(people, entry), table) == {1: "T", 2: "X"}


def test_a_domain_that_refuses_the_target(people: People) -> None:
    plain = put(people, "smallapp_plain", "S")
    change(f"CREATE DOMAIN user_no AS bigint CONSTRAINT allowed CHECK (value <> {people['T'].pk})")
    change("ALTER TABLE smallapp_plain ALTER owner_id TYPE user_no")
    assert 'violates check constraint "allowed"' in failure(people, plain)


def test_a_ranking_by_an_enum(people: People) -> None:
    change("CREATE TYPE metal AS ENUM ('bronze', 'silver', 'gold')")
    change("ALTER TABLE smallapp_ranked ALTER level TYPE metal USING level::metal")
    rows = ("S", 1, "gold"), ("T", 1, "silver"), ("S", 2, None), ("T", 2, "bronze")
    ranked = put(people, "smallapp_ranked", *rows, columns="owner k level")
    assert owners(people, run(people, ranked), "smallapp_ranked") == {1: "T", 4: "T"}


KIND = (
    "CREATE TYPE kinds AS ENUM ({}); ALTER TABLE smallapp_attachment ALTER kind TYPE kinds USING kind::kinds"
)


def test_a_kind_that_an_enum_lacks_stops_the_start(db: None) -> None:
    change(KIND.format("'team'"))
    assert "invalid input value for enum kinds" in refusal("transfers.E105")


def test_a_kind_of_an_enum(people: People) -> None:
    change(KIND.format("'team', 'user'"))
    rows = ("S", "user", "a"), ("T", "user", "a"), ("S", "team", "a"), ("S", "user", "b")
    attachment = put(people, "smallapp_attachment", *rows, columns="object_id kind name")
    left = owners(people, run(people, attachment), "smallapp_attachment", "object_id")
    assert left == {2: "T", 3: "S", 4: "T"}


VALUES = {
    "range": ("int4range", "[1,5)"),
    "multirange": ("int4multirange", "{[1,2),[3,4)}"),
    "array": ("text[]", '{"a%s","b{}"}'),
    "composite": ("spot", '("a, b",3)'),
    "enum": ("metal", "gold"),
    "domain": ("name_of", "a ' b"),
    "jsonb": ("jsonb", '{"a": [1, 2.0]}'),
    "numeric": ("numeric", "1.0"),
    "interval": ("interval", "24:00:00"),
}


@pytest.mark.parametrize(("of_type", "value"), VALUES.values(), ids=VALUES)
def test_a_key_with_a_value_of_any_type(people: People, of_type: str, value: str) -> None:
    change("""
        CREATE TYPE spot AS (street text, number integer); CREATE TYPE metal AS ENUM ('gold');
        CREATE DOMAIN name_of AS text;
    """)
    keyed = put(people, "smallapp_keyed", "S1", "T2", "X3", columns="owner k")
    with connection.cursor() as cursor:
        change(f"ALTER TABLE smallapp_keyed ADD place {of_type}")
        cursor.execute("UPDATE smallapp_keyed SET place = %s", [value])
        change("CREATE UNIQUE INDEX place_once ON smallapp_keyed (owner_id, place)")
    assert owners(people, run(people, keyed), "smallapp_keyed") == {2: "T", 3: "X"}


def test_a_document_that_cannot_be_searched_stops_the_start(db: None) -> None:
    change("ALTER TABLE smallapp_subscription DROP document, ADD document json")
    assert "json" in refusal("transfers.E105")


def test_large_values_of_deleted_rows_are_kept(people: People) -> None:
    change("ALTER TABLE smallapp_sched ADD scan text, ALTER scan SET STORAGE EXTERNAL")
    sched = put(people, "smallapp_sched", "S1", "T2", "T3", columns="owner slot")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE smallapp_sched SET scan = repeat('0123456789abcdef', 300000)")
    before = rows_as_text([sched])
    with patch.object(journal, "BYTES_PER_ROW", 10_000), patch.dict(plan_cache, clear=True):
        ran = run(people, sched)
    # An array of PostgreSQL has at most 1 GB.
    assert JournalEntry.objects.filter(transfer_id=ran.transfer_id, what="replaced").count() == 2
    restore(ran.transfer_id)
    assert rows_as_text([sched]) == before


# --- Documents -------------------------------------------------------------------------------------------------------


def test_a_list_with_the_user_as_number_and_as_text(people: People) -> None:
    """The text is no user, because the declaration does not say `as_text`; with an owner for each, both are."""
    s, t, x = (people[letter].pk for letter in "STX")
    panel = running.type_of("smallapp_panel")
    running.insert("smallapp_panel", [running.whole_row(panel.model, id=1, users=[s, str(s), x])])
    assert run(people, panel).world["smallapp_panel"][0]["users"] == [t, str(s), x]
    both = replace(panel, owners=(JsonPath("users"), JsonPath("users", as_text=True)))
    ran = run(people, both)
    assert ran.world["smallapp_panel"][0]["users"] == [t, str(t), x]
    assert ran.counts[0]["smallapp.panel"] == {"source": 1, "target": 1, "moved": 1}
    running.insert("smallapp_panel", [running.whole_row(panel.model, id=2, users=[str(s), x, s])])
    assert run(people, both).world["smallapp_panel"][1]["users"] == [str(t), x, t]


def w105() -> list[str]:
    return [
        str(message.hint) for message in run_checks(databases=["default"]) if message.id == "transfers.W105"
    ]


def test_a_list_with_the_other_form_of_ids_is_a_warning(people: People) -> None:
    panel, brief = running.type_of("smallapp_panel"), running.type_of("smallapp_brief")
    documents = ([1, 2], [], None, {}, "text", ["x", "007"])
    rows = [running.whole_row(panel.model, id=n, users=users) for n, users in enumerate(documents, 1)]
    running.insert("smallapp_panel", rows)
    assert w105() == []
    running.insert("smallapp_panel", [running.whole_row(panel.model, id=7, users=[1, "2"])])
    [hint] = w105()
    assert 'JsonPath("users", as_text=True),' in hint
    running.insert("smallapp_brief", [running.whole_row(brief.model, id=1, document={"by": "3"})])
    assert len(w105()) == 2


@pytest.mark.parametrize(
    "document",
    [
        {"to": {"users": [{"id": 18}]}},
        {"to": {"users": [[18, 19], [20]]}},
        {"to": [{"users": [18]}]},
        [{"to": {"users": [18]}}],
    ],
    ids=["objects", "lists", "on the way", "the document"],
)
def test_a_path_into_a_list_of_objects_stops_the_start(db: None, document: object) -> None:
    brief = running.type_of("smallapp_brief")
    running.insert("smallapp_brief", [running.whole_row(brief.model, id=1, document=document)])
    found = [
        str(message.msg) for message in run_checks(databases=["default"]) if message.id == "transfers.E117"
    ]
    assert any(
        'JsonPath("document", "to", "users") leads into a list of objects or lists' in one for one in found
    )


def test_paths_that_lead_to_users_or_elsewhere_are_fine(db: None) -> None:
    brief = running.type_of("smallapp_brief")
    documents = (
        {"by": 1, "to": {"users": [2, {"team": 3}]}},
        {"by": [1]},
        {"to": {}},
        {"to": "all"},
        [],
        None,
        7,
    )
    rows = [running.whole_row(brief.model, id=n, document=one) for n, one in enumerate(documents, 1)]
    running.insert("smallapp_brief", rows)
    assert not [
        message
        for message in run_checks(databases=["default"])
        if message.id in ("transfers.E117", "transfers.W105")
    ]


def test_a_composite_value_without_one_of_its_fields_is_compared(people: People) -> None:
    change(
        "CREATE TYPE spot AS (a int, b int); ALTER TABLE smallapp_keyed ADD place spot DEFAULT ROW(1, NULL)"
    )
    change("CREATE UNIQUE INDEX places ON smallapp_keyed (owner_id, place)")
    keyed = put(people, "smallapp_keyed", ("S", 1), ("T", 2), columns="owner k")
    assert owners(people, run(people, keyed), "smallapp_keyed") == {2: "T"}


@pytest.mark.parametrize(
    ("of_type", "words"),
    [
        *((of_type, "rounds the IDs of users") for of_type in ("real", "double precision", "numeric(9,-2)")),
        ("oid", "cannot be compared with every ID of a user"),
    ],
)
def test_a_type_that_does_not_suit_the_ids_of_users(db: None, of_type: str, words: str) -> None:
    """The row would belong to the user with the rounded ID, or a larger one would end the preview of all pairs."""
    change(f"ALTER TABLE smallapp_attachment ALTER object_id TYPE {of_type}")
    attachment = running.type_of("smallapp_attachment")
    with running.only(attachment), pytest.raises(CannotCompile, match=words):
        compile_plans()


# --- Names -----------------------------------------------------------------------------------------------------------

# Names that the engine's own statements use, and others that have a meaning to SQL, to psycopg or to Python.
NAMES = [
    *("pair", "source", "target", "what", "key", "before", "after", "row", "relation", "outcome", "winner", "type"),
    *("p", "w", "new", "old", "select", "A b", 'say ""hi""', "50%", "%s", "%(x)s", "{0}", "{}", "ä", "_new"),
    *("\u202e", "ä" * 31),
]  # fmt: skip


@pytest.mark.parametrize(
    "table", ["smallapp_plain", "smallapp_keyed", "smallapp_sched", "smallapp_counter", "smallapp_folder"]
)
def test_columns_with_unusual_names(people: People, table: str) -> None:
    added = ", ".join(f'ADD "{name}" integer DEFAULT 7' for name in NAMES)
    change(f"ALTER TABLE {table} {added}")
    further = {
        "smallapp_keyed": (" k", 1),
        "smallapp_sched": (" slot", 1),
        "smallapp_counter": (" day n", 1, 1),
        "smallapp_folder": (" name", "box"),
    }.get(table, ("",))
    entry = put(people, table, *([letter, *further[1:]] for letter in "STX"), columns=f"owner{further[0]}")
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE {table} SET "50%%" = 8, "pair" = 8, "row" = 8, "{{}}" = 8 WHERE id > %s', [0])
    if table in ("smallapp_keyed", "smallapp_folder"):
        change(f"DROP INDEX {table.removeprefix('smallapp_')}_once")
        last = "name" if table == "smallapp_folder" else "k"
        change(
            f'CREATE UNIQUE INDEX odd ON {table} (owner_id, "50%", "pair", "row", "{{}}", {last}) WHERE "%s" = 7'
        )
    ran = run(people, entry)
    left = ran.world[table]
    assert {(row["50%"], row["pair"], row["source"], row["%s"]) for row in left} == {(8, 8, 7, 7)}
    assert len(left) == (3 if table in ("smallapp_plain", "smallapp_folder") else 2)


def test_a_column_with_a_name_of_an_undo(db: None) -> None:
    """A transfer would succeed, but its undo would fail."""
    change("ALTER TABLE smallapp_casefile ADD _place integer")
    case = running.type_of("smallapp_case")
    with running.only(case), pytest.raises(CannotCompile, match="smallapp_casefile has a column _place"):
        compile_plans()


def test_more_columns_than_an_undo_can_compare(db: None) -> None:
    """Without the trigger, only the columns are compared that a transfer writes."""
    change(f"ALTER TABLE smallapp_casefile {', '.join(f'ADD column_{n} boolean' for n in range(750))}")
    case = running.type_of("smallapp_case")
    with running.only(case):
        compile_plans()
        meddle("smallapp_casefile", "BEFORE UPDATE", "RETURN NEW;")
        with pytest.raises(
            CannotCompile, match=r"smallapp_casefile has 75\d columns, and a BEFORE UPDATE trigger"
        ):
            compile_plans()


@pytest.mark.parametrize("table", ["smallapp_sched", "smallapp_keyed"])
def test_a_column_with_the_name_of_an_alias(people: People, table: str) -> None:
    change(f"ALTER TABLE {table} ADD r integer DEFAULT 7")
    further = "slot" if table == "smallapp_sched" else "k"
    entry = put(people, table, "S1", "T1", columns=f"owner {further}")
    before = rows_as_text([entry])
    ran = run(people, entry)
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before


def test_a_column_of_a_child_with_the_name_of_an_alias(people: People) -> None:
    change("ALTER TABLE smallapp_planstep ADD c integer DEFAULT 7")
    plan = put(people, "smallapp_plan", "S1", "T1", columns="owner slot")
    running.insert("smallapp_planstep", [{"id": 1, "plan_id": 2, "v": 0}])
    before = rows_as_text([plan])
    restore(run(people, plan).transfer_id)
    assert rows_as_text([plan]) == before


TABLES = [
    "entries",
    "deleted",
    "done",
    "new",
    "written",
    "keyed",
    "resolved",
    "lost",
    "candidates",
    "tally",
    "user",
]


@pytest.mark.parametrize("name", [*TABLES, "{0} {} (ä)"])
@pytest.mark.parametrize("table", ["smallapp_sched", "smallapp_keyed", "smallapp_counter"])
def test_a_table_with_an_unusual_name(people: People, table: str, name: str) -> None:
    further = {"smallapp_sched": "slot", "smallapp_keyed": "k", "smallapp_counter": "day n"}[table]
    values = [1] * len(further.split())
    entry = put(people, table, *([letter, *values] for letter in "STX"), columns=f"owner {further}")
    change(f'ALTER TABLE {table} RENAME TO "{name}"')
    with patch.object(entry.model._meta, "db_table", name):
        before = rows_as_text([entry])
        ran = run(people, entry)
        assert sorted(owners(people, ran, name).values()) == ["T", "X"]
        restore(ran.transfer_id)
        assert rows_as_text([entry]) == before


@pytest.mark.parametrize("name", ["arriving", "existing", "candidates", "children", "keyed"])
@pytest.mark.parametrize("is_parent", [False, True])
def test_children_or_parents_with_an_unusual_name(people: People, name: str, *, is_parent: bool) -> None:
    book, leaf = (name, "leaf") if is_parent else ("book", name)
    change(f"""
        CREATE TABLE {book} (id bigint PRIMARY KEY, owner_id bigint NOT NULL UNIQUE);
        CREATE TABLE {leaf} (id bigint PRIMARY KEY, book_id bigint REFERENCES {book}, n integer, UNIQUE (book_id, n));
    """)
    parent = model_of(book, owner=to(User))
    children = (Child(model_of(leaf, book=to(parent)), "book"),)
    entry = DataType("Books", parent, (Column("owner"),), Combine(KeepTarget()), "Books.", children=children)
    for number, letter in enumerate("ST", 1):
        execute(f"INSERT INTO {book} VALUES (%s, %s)", number, people[letter].pk)
    execute(f"INSERT INTO {leaf} VALUES (1, 1, 5), (2, 1, 6), (3, 2, 6)")
    run(people, entry)
    assert running.query("SELECT ARRAY[id, book_id] FROM {} ORDER BY id", leaf) == [[1, 2], [3, 2]]


@pytest.mark.parametrize("name", ["transfer_entry", "transfer_work"])
def test_a_table_with_the_name_of_a_working_table(db: None, name: str) -> None:
    """A transfer or, after it, an undo would read its own table."""
    plain = running.type_of("smallapp_plain")
    change(f"ALTER TABLE smallapp_plain RENAME TO {name}")
    with (
        patch.object(plain.model._meta, "db_table", name),
        running.only(plain),
        pytest.raises(CannotCompile, match=f"{name} is also the name of a temporary table"),
    ):
        compile_plans()


def test_a_temporary_table_that_hides_a_table(people: People) -> None:
    """A trigger of another program may make one, which lives as long as the connection."""
    plain = put(people, "smallapp_plain", "S")
    change(
        "CREATE TEMP TABLE smallapp_plain AS TABLE smallapp_plain WITH NO DATA; GRANT ALL ON smallapp_plain TO PUBLIC"
    )
    with running.only(plain), pytest.raises(MissingTable, match="or a temporary table hides it"):
        running.run_pairs(people.by, people.pairs, [plain])


# --- Domains in arrays -----------------------------------------------------------------------------------------------


def of_domain(people: People, condition: str) -> DataType:
    """A watchlist of S, its users of a domain with this condition."""
    watchlist = running.type_of("smallapp_watchlist")
    running.insert("smallapp_watchlist", [running.whole_row(watchlist.model, id=1, users=[people["S"].pk])])
    change(f"CREATE DOMAIN user_no AS bigint CHECK ({condition})")
    change("ALTER TABLE smallapp_watchlist ALTER users TYPE user_no[]")
    return watchlist


def test_an_array_of_a_domain(people: People) -> None:
    ran = run(people, of_domain(people, "value > 0"))
    assert [row["users"] for row in ran.world["smallapp_watchlist"]] == [[people["T"].pk]]


def test_users_whom_the_domain_of_an_array_refuses_are_looked_for(people: People) -> None:
    """A member that is looked for is not a value of the domain."""
    watchlist = of_domain(people, f"value <> {people['T'].pk}")
    with running.only(watchlist):
        assert predict([StagedPair(0, people["T"].pk, people["X"].pk)]) == {}


# --- Numbers that are too small for a user's ID ----------------------------------------------------------------------


@pytest.mark.parametrize("of_type", ["smallint[]", "integers", "small[]"])
def test_an_array_of_a_domain_and_a_user_beyond_it(people: People, of_type: str) -> None:
    change("CREATE DOMAIN integers AS integer[]; CREATE DOMAIN small AS integer;")
    change(f"ALTER TABLE smallapp_watchlist ALTER users TYPE {of_type}")
    far = User.objects.create(pk=2**40, tenant=people.here, username="far")
    watchlist = running.type_of("smallapp_watchlist")
    with running.only(watchlist):
        assert predict([StagedPair(0, far.pk, people["T"].pk)]) == {}


def test_an_owner_of_a_small_type_and_a_target_beyond_it(people: People) -> None:
    change("ALTER TABLE smallapp_attachment ALTER object_id TYPE integer")
    attachment = put(people, "smallapp_attachment", ("S", "user", "a"), columns="object_id kind name")
    given = {"username": "far", "employee_id": "E-far", "external_id": "999"}
    far = User.objects.create(pk=2**40, tenant=people.here, **given)
    people.pairs = [(people["S"], far)]
    assert "out of range" in failure(people, attachment)
