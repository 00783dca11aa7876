"""Unique keys that a changed column could violate: the engine handles them, or the start is stopped."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules import journal, running
from tests.transfers.rules.featured import change, model_of, owners, put, run, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.running import query
from transfers.engine.catalog.tables import read_tables
from transfers.engine.compiler.plans import compile_plan
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.stage import compile_plans
from transfers.rules import (
    ArrayColumn,
    Child,
    Column,
    Combine,
    DataType,
    FillBlank,
    JsonPath,
    KeepTarget,
    Max,
    Merge,
    Overwrite,
    Owner,
    Polymorphic,
    Profile,
    Sum,
)

KEEP = Combine(KeepTarget())

# The data type, and a key that the change of a column could violate.
REFUSED = {
    "an owner that brings a row into the key": ("keyed", "keyed (v) WHERE owner_id > 100"),
    "an owner of whom the key asks more than that": (
        "keyed",
        "keyed (v) WHERE owner_id IS NOT NULL AND owner_id % 2 = 0",
    ),
    "an owner in a generated column": ("keyed", "keyed (v) WHERE twice > 100"),
    "an owner of overwritten rows": ("sched", "sched (slot) WHERE owner_id <> 7"),
    "a sum": ("counter", "counter (n)"),
    "a sum in another key of the owner": ("counter", "counter (owner_id, n)"),
    "a sum in the condition of another key": ("counter", "counter (owner_id) WHERE n > 100"),
    "a column of a profile": ("preference", "preference (phone) WHERE phone <> ''"),
    "a column of a profile in a condition": ("preference", "preference (colour) WHERE seen IS NOT NULL"),
    "a new name in a key of all users": ("folder", "folder (lower(name))"),
    "an emptied reference, NULLs equal": ("ticket", "errand (ticket_id) NULLS NOT DISTINCT"),
    "an emptied reference, of which the key has those": (
        "ticket",
        "errand (owner_id) WHERE ticket_id IS NULL",
    ),
    "an emptied reference that comes into the key": (
        "ticket",
        "errand (owner_id) WHERE (ticket_id IS NOT NULL) = false",
    ),
    "an emptied reference that comes into the key, as one of two conditions": (
        "ticket",
        "errand (owner_id) WHERE ((ticket_id IS NOT NULL) AND (owner_id > 0)) = false",
    ),
    "an emptied reference in an expression": ("ticket", "errand (coalesce(ticket_id, 0))"),
    "an emptied owner": ("staff", "staff ((1)) WHERE manager_id IS NULL"),
    "an emptied owner, NULLs equal": ("staff", "staff (manager_id) NULLS NOT DISTINCT"),
    "a child that comes into a key": ("case", "casefile (number) WHERE case_id > 7"),
}
ALLOWED = {
    "a condition that asks whether there is a user": ("keyed", "keyed (v) WHERE owner_id IS NOT NULL"),
    "a condition of a text with the name of the column": ("keyed", "keyed (v) WHERE v::text <> 'owner_id'"),
    "a column whose name has that of the owner": ("keyed", 'keyed (v) WHERE "owner_id 2" > 100'),
    "the primary key": ("counter", "counter (n, id)"),
    "a new name that no record needs, because the names of all users differ": ("folder", "folder (name)"),
    "the owner of a profile": ("preference", "preference (id, phone)"),
    "an emptied reference": ("ticket", "errand (ticket_id, owner_id)"),
    "an emptied reference that leaves the key": ("ticket", "errand (owner_id) WHERE ticket_id IS NOT NULL"),
    "an emptied reference that leaves the key, by one of several conditions": (
        "ticket",
        "errand (owner_id) WHERE (NOT (owner_id = 1 OR id = 2)) AND (ticket_id IS NOT NULL AND id > 0)",
    ),
    "an emptied owner in a key with the first": ("staff", "staff (user_id, manager_id) NULLS NOT DISTINCT"),
}
FURTHER = """
ALTER TABLE smallapp_keyed ADD "owner_id 2" int, ADD twice bigint GENERATED ALWAYS AS (owner_id * 2) STORED;
CREATE UNIQUE INDEX odd ON smallapp_{};
"""


def compile_with(key: str, table: str) -> None:
    change(FURTHER.format(key))
    with running.only(running.type_of(f"smallapp_{table}")):
        compile_plans()


@pytest.mark.parametrize(("table", "key"), REFUSED.values(), ids=REFUSED)
def test_a_key_that_a_changed_column_could_violate(db: None, table: str, key: str) -> None:
    with pytest.raises(CannotCompile, match="the unique key odd .* with a row that no policy decides about"):
        compile_with(key, table)


@pytest.mark.parametrize(("table", "key"), ALLOWED.values(), ids=ALLOWED)
def test_a_key_that_it_cannot_violate(db: None, table: str, key: str) -> None:
    compile_with(key, table)


def test_an_emptied_owner_in_a_key_with_a_third_one(db: None) -> None:
    """A row of neither user may be in the way: without the second owner, and with the same third one."""
    change("CREATE TABLE visit (id bigint PRIMARY KEY, host_id bigint, guest_id bigint, guide_id bigint)")
    users = {name: to(User, null=True) for name in ("host", "guest", "guide")}
    visit = model_of("visit", id=models.BigIntegerField(primary_key=True), **users)
    entry = DataType("Visits", visit, tuple(map(Column, users)), KEEP, "Visits.", self_edges="clear")
    change("CREATE UNIQUE INDEX odd ON visit (guest_id, guide_id) NULLS NOT DISTINCT")
    with pytest.raises(CannotCompile, match="the unique key odd .* with a row that no policy decides about"):
        compile_plan(entry, read_tables(["visit"]))
    change(
        "DROP INDEX odd; CREATE UNIQUE INDEX odd ON visit (host_id, guest_id, guide_id) NULLS NOT DISTINCT"
    )
    assert compile_plan(entry, read_tables(["visit"])).run


def test_an_emptied_owner_of_a_type_that_is_overwritten(db: None) -> None:
    """Two rows of the source may become equal, between which Overwrite does not decide."""
    change("CREATE TABLE visit (id bigint PRIMARY KEY, host_id bigint, guest_id bigint)")
    users = {name: to(User, null=True) for name in ("host", "guest")}
    entry = DataType(
        "Visits", model_of("visit", **users), tuple(map(Column, users)), KEEP, "Visits.", self_edges="clear"
    )
    change("CREATE UNIQUE INDEX odd ON visit (host_id) WHERE guest_id IS NULL")
    assert compile_plan(entry, read_tables(["visit"])).run
    with pytest.raises(CannotCompile, match="the unique key odd .* with a row that no policy decides about"):
        compile_plan(replace(entry, rule=Overwrite()), read_tables(["visit"]))


def test_a_row_that_others_are_merged_into_and_that_moves_itself(db: None) -> None:
    """Its entries in the journal would have two keys."""
    change("""
        CREATE TABLE deal (seller_id bigint, buyer_id bigint, k int, n int, PRIMARY KEY (seller_id, k));
        CREATE UNIQUE INDEX bought ON deal (buyer_id, k);
    """)
    users = {name: to(User) for name in ("seller", "buyer")}
    number = {name: models.IntegerField() for name in ("k", "n")}
    deal = model_of("deal", pk=models.CompositePrimaryKey("seller_id", "k"), **users, **number)
    entry = DataType("Deals", deal, tuple(map(Column, users)), Combine(Merge({"n": Sum()})), "Deals.")
    with pytest.raises(CannotCompile, match="the primary key of deal holds seller_id, which changes"):
        compile_plan(entry, read_tables(["deal"]))
    assert compile_plan(replace(entry, rule=KEEP), read_tables(["deal"])).run
    change("ALTER TABLE deal DROP CONSTRAINT deal_pkey, ADD UNIQUE (seller_id, k), ADD id bigint PRIMARY KEY")
    assert compile_plan(entry, read_tables(["deal"])).run


def test_a_column_that_is_folded_and_in_the_only_key(people: People) -> None:
    """Rows that are merged agree in it, so the row that is kept does not change."""
    change(
        "DROP INDEX counter_once; CREATE UNIQUE INDEX counter_once ON smallapp_counter (owner_id, day) WHERE n > 1"
    )
    rows = ("S", 1, 2), ("T", 1, 3), ("S", 2, 1), ("T", 2, 1), ("X", 1, 5)
    counter = put(people, "smallapp_counter", *rows, columns="owner day n")
    folding = replace(counter, rule=Combine(on_clash=Merge({"day": Max(), "n": Sum()})))
    assert owners(people, run(people, folding), "smallapp_counter") == {2: "T", 3: "T", 4: "T", 5: "X"}


def test_a_new_name_that_only_the_condition_of_the_key_asks_for(db: None) -> None:
    """Renaming would change nothing: the search for a free name would not end."""
    change("DROP INDEX folder_once")
    with pytest.raises(CannotCompile, match="the unique key odd does not hold name, the column to rename"):
        compile_with("folder (owner_id, v) WHERE name <> ''", "folder")


def test_a_profile_of_which_a_user_may_have_several_rows(db: None) -> None:
    change("ALTER TABLE smallapp_preference DROP CONSTRAINT smallapp_preference_pkey CASCADE")
    with pytest.raises(CannotCompile, match="may have several rows of a user"):
        compile_with("preference (id, phone)", "preference")


@pytest.mark.parametrize(
    ("sql_type", "owner"), [("bigint[]", ArrayColumn("users")), ("jsonb", JsonPath("users", "user"))]
)
def test_a_profile_of_a_list_of_users(db: None, sql_type: str, owner: Owner) -> None:
    """Several lists, each of them there once, may hold a user."""
    change(f"CREATE TABLE face (id bigint PRIMARY KEY, users {sql_type} UNIQUE, photo text)")
    face = model_of("face", users=models.JSONField(), photo=models.TextField())
    entry = DataType("Faces", face, (owner,), Profile({"photo": FillBlank()}), "Faces.")
    with pytest.raises(CannotCompile, match="may have several rows of a user") as refused:
        compile_plan(entry, read_tables(["face"]))
    assert "CREATE UNIQUE INDEX" not in refused.value.hint


@pytest.mark.parametrize(
    ("index", "is_once"),
    [
        ("(holder_id) WHERE kind = 'user'", True),
        ("(kind, holder_id)", True),
        ("(kind, holder_id) WHERE holder_id IS NOT NULL", True),
        ("(holder_id) WHERE kind = 'user' AND phone <> ''", False),
        ("(holder_id) WHERE kind = 'team'", False),
    ],
)
def test_a_profile_of_users_and_others(db: None, index: str, *, is_once: bool) -> None:
    change(f"""
        CREATE TABLE face (id bigint PRIMARY KEY, kind text, holder_id bigint, phone text);
        CREATE UNIQUE INDEX ON face {index};
    """)
    fields = {"kind": models.TextField(), "holder": models.BigIntegerField(db_column="holder_id")}
    face = model_of("face", **fields, phone=models.TextField())
    owners = (Polymorphic("holder", kind_field="kind", kind="user"),)
    entry = DataType("Faces", face, owners, Profile({"phone": FillBlank()}), "Faces.")
    with (
        nullcontext() if is_once else pytest.raises(CannotCompile, match="several rows of a user") as refused
    ):
        compile_plan(entry, read_tables(["face"]))
    if refused:
        change(refused.value.hint.rpartition("or: ")[2])
        compile_plan(entry, read_tables(["face"]))


@pytest.mark.parametrize(
    ("sql_type", "of_source", "of_target", "after"),
    [
        ("json", '{"a": 1}', None, '{"a": 1}'),
        ("json", '{"a": 1}', '{"a":1}', '{"a":1}'),
        ("text[]", "{a,b}", None, "{a,b}"),
        ("point", "(1,2)", None, "(1,2)"),
    ],
)
def test_a_profile_of_any_type(
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    sql_type: str,
    of_source: str,
    of_target: str | None,
    after: str,
) -> None:
    change(f"CREATE TABLE face (owner_id bigint PRIMARY KEY, shape {sql_type})")
    for letter, shape in (("S", of_source), ("T", of_target)):
        execute("INSERT INTO face VALUES (%s, %s)", people[letter].pk, shape)
    face = model_of("face", owner=to(User, primary_key=True), shape=models.TextField())
    entry = DataType("Faces", face, (Column("owner"),), Profile({"shape": FillBlank()}), "Faces.")
    monkeypatch.setattr(journal, "by_key", lambda key: entry)
    counts = run(people, entry).counts.get(0, {})
    assert counts == ({} if of_target else {"smallapp.face": {"source": 1, "merged": 1}})
    assert query("SELECT shape::text FROM {} WHERE owner_id = " + str(people["T"].pk), "face") == [after]


@pytest.mark.parametrize(
    ("sql_type", "value"), [("text[]", '{a,"b c"}'), ("integer[]", "[5:6]={1,2}"), ("json", '{"a":  1}')]
)
def test_a_merge_fills_a_blank_of_any_type(
    people: People, monkeypatch: pytest.MonkeyPatch, sql_type: str, value: str
) -> None:
    change(f"CREATE TABLE face (id bigint PRIMARY KEY, owner_id bigint UNIQUE, shape {sql_type})")
    for number, (letter, shape) in enumerate((("S", value), ("T", None)), 1):
        execute("INSERT INTO face VALUES (%s, %s, %s)", number, people[letter].pk, shape)
    face = model_of("face", owner=to(User, unique=True), shape=models.TextField())
    rule = Combine(Merge({"shape": FillBlank()}))
    entry = DataType("Faces", face, (Column("owner"),), rule, "Faces.")
    monkeypatch.setattr(journal, "by_key", lambda key: entry)
    assert run(people, entry).counts[0] == {"smallapp.face": {"source": 1, "target": 1, "merged": 1}}
    assert query("SELECT shape::text FROM {}", "face") == [value]


def test_a_key_with_a_reference_that_is_re_pointed_and_one_that_is_emptied(db: None) -> None:
    """Two pages of one note would not conflict after their previous one, which is deleted, is no longer named."""
    change("""
        CREATE TABLE note (id bigint PRIMARY KEY, owner_id bigint, name text, UNIQUE (owner_id, name));
        CREATE TABLE page (id bigint PRIMARY KEY, note_id bigint REFERENCES note, prev_id bigint REFERENCES note,
            UNIQUE (note_id, prev_id));
    """)
    note = model_of("note", owner=to(User), name=models.TextField())
    page = model_of("page", note=to(note), prev=to(note))
    children = Child(page, "note"), Child(page, "prev", detached=True)
    entry = DataType("Notes", note, (Column("owner"),), KEEP, "Notes.", children=children)
    with pytest.raises(CannotCompile, match="that ends when prev_id, which is in it too, is emptied"):
        compile_plan(entry, read_tables(["note", "page"]))
    change("ALTER TABLE page DROP CONSTRAINT page_note_id_prev_id_key")
    assert compile_plan(entry, read_tables(["note", "page"])).run


def test_a_profile_of_two_users(db: None) -> None:
    change("CREATE TABLE face (id bigint PRIMARY KEY, owner_id bigint UNIQUE, boss_id bigint, photo text)")
    face = model_of("face", owner=to(User), boss=to(User), photo=models.TextField())
    rule = Profile({"photo": FillBlank()})
    entry = DataType("Faces", face, (Column("owner"), Column("boss")), rule, "Faces.")
    with pytest.raises(CannotCompile, match="with a user in boss_id would not be looked for"):
        compile_plan(entry, read_tables(["face"]))


def test_a_profile_of_a_user_of_one_kind(db: None) -> None:
    """Teams have profiles, too."""
    change(
        "CREATE TABLE face (id bigint PRIMARY KEY, kind text, owner_id bigint, photo text, UNIQUE (kind, owner_id))"
    )
    fields = {"kind": models.TextField(), "owner_id": models.BigIntegerField(), "photo": models.TextField()}
    owner = Polymorphic("owner_id", kind_field="kind", kind="user")
    rule = Profile({"photo": FillBlank()})
    entry = DataType("Faces", model_of("face", **fields), (owner,), rule, "Faces.")
    assert compile_plan(entry, read_tables(["face"])).run
    change("ALTER TABLE face ADD UNIQUE (owner_id, photo)")
    with pytest.raises(CannotCompile, match="holds owner_id without kind"):
        compile_plan(entry, read_tables(["face"]))
    change("ALTER TABLE face DROP CONSTRAINT face_owner_id_photo_key")
    change(
        "ALTER TABLE face ADD n int, DROP CONSTRAINT face_kind_owner_id_key, ADD UNIQUE (kind, owner_id, n)"
    )
    with pytest.raises(CannotCompile, match="may have several rows of a user"):
        compile_plan(entry, read_tables(["face"]))
