"""Tables that are refused at the start or at the run, because a conflict cannot be decided or rows would be missed."""

from dataclasses import replace
from unittest.mock import patch

import pytest
from django.db import DatabaseError, connection, models

from accounts.models import User
from tests.apps.smallapp import models as small
from tests.fixtures import cast
from tests.fixtures.roles import as_owner
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, errors_at_start, model_of, put, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from transfers.engine.batch import run_batch
from transfers.engine.catalog.tables import read_tables
from transfers.engine.compiler.plans import CompiledPlan, compile_plan, tables_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.prediction import predict
from transfers.engine.stage import StagedPair
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.models import Kind, State
from transfers.rules import (
    ArrayColumn,
    Child,
    Column,
    Combine,
    DataType,
    FillBlank,
    JsonPath,
    KeepTarget,
    Latest,
    Max,
    Merge,
    Overwrite,
    Owner,
    Polymorphic,
    Profile,
    Rule,
)

# --- At the start ----------------------------------------------------------------------------------------------------

FOLLOWED = """
    ALTER TABLE smallapp_folder ADD place text GENERATED ALWAYS AS (owner_id::text || name) STORED UNIQUE;
    CREATE TABLE follower (id bigint, place text REFERENCES smallapp_folder (place) ON UPDATE {});
"""
REFUSED = {
    "a foreign key ON UPDATE CASCADE to a generated column of the owner": (
        FOLLOWED.format("CASCADE"),
        "if name is changed, a foreign key ON UPDATE changes rows of another table",
    ),
    "a foreign key ON UPDATE SET NULL to a generated column of the owner": (
        FOLLOWED.format("SET NULL"),
        "if name is changed, a foreign key ON UPDATE changes rows of another table",
    ),
    "an overwritten type with a key on its second owner": (
        "CREATE UNIQUE INDEX shift_planner ON smallapp_shift (planner_id, slot)",
        "Overwrite deletes only rows with the target in worker_id",
    ),
    "an overwritten type with a key on both owners": (
        "CREATE UNIQUE INDEX shift_of_two ON smallapp_shift (planner_id, slot)",
        "the unique key shift_of_two, which holds planner_id",
    ),
    "a key that depends on the row as a whole": (
        """
        CREATE FUNCTION own_key(smallapp_plain) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1.owner_id || '/' $$;
        CREATE UNIQUE INDEX whole ON smallapp_plain (v, own_key(smallapp_plain));
        """,
        "the unique key whole of smallapp_plain depends on the row as a whole",
    ),
    "a partial key whose condition depends on the row as a whole": (
        """
        CREATE FUNCTION is_open(smallapp_casefile) RETURNS boolean LANGUAGE sql IMMUTABLE AS
            $$ SELECT $1.case_id > 0 $$;
        CREATE UNIQUE INDEX whole ON smallapp_casefile (number) WHERE is_open(smallapp_casefile);
        """,
        "the unique key whole of smallapp_casefile depends on the row as a whole",
    ),
    "an overwritten type whose late arrivals cannot be combined": (
        "ALTER TABLE smallapp_shift ADD CONSTRAINT apart EXCLUDE (worker_id WITH =, abs(slot) WITH =)",
        "exclusion constraint apart, which its policy cannot decide",
    ),
    "an overwritten type with heirs": (
        "CREATE TABLE night () INHERITS (smallapp_sched); CREATE INDEX ON night (owner_id)",
        "other tables inherit from smallapp_sched",
    ),
}


@pytest.mark.parametrize(("statements", "words"), REFUSED.values(), ids=REFUSED)
def test_a_table_that_stops_the_start(db: None, statements: str, words: str) -> None:
    change(statements)
    # A foreign key ON UPDATE is found twice: by the check of references, and by the compiler before each batch.
    [message] = [one for one in errors_at_start() if words in one or " is ON UPDATE " not in one]
    assert words in message


def test_a_child_with_a_column_named_as_in_the_engines_statements_is_accepted(db: None) -> None:
    change("ALTER TABLE smallapp_casefile ADD pair integer")
    assert errors_at_start() == []


# --- At the run ------------------------------------------------------------------------------------------------------


def run(people: People, entry: DataType) -> None:
    with running.only(entry):
        running.run_pairs(people.by, people.pairs, [entry])


def test_a_child_that_is_reached_in_two_ways(people: People) -> None:
    """As a link between two tasks, which has a foreign key to each."""
    change("""
        CREATE TABLE dependency (id bigint PRIMARY KEY, before_id bigint NOT NULL REFERENCES smallapp_sched,
            after_id bigint NOT NULL REFERENCES smallapp_sched);
    """)
    model = model_of("dependency", before=to(small.Sched), after=to(small.Sched))
    sched = running.type_of("smallapp_sched")
    with pytest.raises(CannotCompile, match="rows of dependency are children in two ways"):
        run(people, replace(sched, children=(Child(model, "before"), Child(model, "after"))))


@pytest.mark.parametrize(
    ("sql_type", "owner"), [("bigint[]", ArrayColumn("users")), ("jsonb", JsonPath("users", "user"))]
)
def test_overwritten_rows_with_a_list_of_users(db: None, sql_type: str, owner: Owner) -> None:
    change(f"CREATE TABLE face (id bigint PRIMARY KEY, users {sql_type})")
    face = model_of("face", users=models.JSONField())
    entry = DataType("Faces", face, (owner,), Overwrite(), "Faces.")
    with pytest.raises(CannotCompile, match="users, a list, also for other users in it"):
        compile_plan(entry, read_tables(["face"]))
    assert compile_plan(replace(entry, rule=Combine()), read_tables(["face"])).run


@pytest.mark.parametrize("rule", [Overwrite(), Combine(KeepTarget())])
def test_a_child_that_refers_to_a_column_that_is_not_unique(db: None, rule: Rule) -> None:
    """Without a foreign key in the database, only the model says that it is."""
    change("""
        CREATE TABLE dossier (id bigint PRIMARY KEY, owner_id bigint UNIQUE, code text NOT NULL);
        CREATE INDEX ON dossier (code); CREATE UNIQUE INDEX ON dossier (code) WHERE id > 100;
        CREATE TABLE remark (id bigint PRIMARY KEY, code text);
    """)
    number, code = models.BigIntegerField(primary_key=True), models.TextField(unique=True)
    dossier = model_of("dossier", id=number, owner=to(User), code=code)
    children = (Child(model_of("remark", dossier=to(dossier, to_field="code", db_column="code")), "dossier"),)
    entry = DataType("Dossiers", dossier, (Column("owner"),), rule, "Dossiers.", children=children)
    with pytest.raises(CannotCompile, match="reference code of dossier, which no unique key has alone"):
        compile_plan(entry, read_tables(tables_of(entry)))
    change("""
        CREATE EXTENSION citext; ALTER TABLE dossier ALTER code TYPE citext;
        CREATE UNIQUE INDEX ON dossier (code text_ops);
    """)
    with pytest.raises(CannotCompile, match="reference code of dossier, which no unique key has alone"):
        compile_plan(entry, read_tables(tables_of(entry)))
    change("""
        CREATE DOMAIN label AS citext; CREATE DOMAIN short_label AS label;
        ALTER TABLE dossier ALTER code TYPE short_label;
    """)
    with pytest.raises(CannotCompile, match="reference code of dossier, which no unique key has alone"):
        compile_plan(entry, read_tables(tables_of(entry)))
    change("ALTER TABLE dossier ADD UNIQUE (code); ALTER TABLE remark ALTER code TYPE citext")
    assert compile_plan(entry, read_tables(tables_of(entry))).run


def test_a_child_that_refers_to_a_part_of_the_key_of_a_partitioned_table(db: None) -> None:
    """Each key holds the month, by which the table is partitioned, but this one the number of a customer too."""
    change("""
        CREATE TABLE dossier (id bigint, owner_id bigint, month integer, area integer, customer_id bigint,
            PRIMARY KEY (id, customer_id, month, area)) PARTITION BY LIST (month);
        CREATE TABLE dossier_1 PARTITION OF dossier DEFAULT PARTITION BY LIST (area);
        CREATE TABLE dossier_1_1 PARTITION OF dossier_1 DEFAULT;
        CREATE TABLE remark (id bigint PRIMARY KEY, dossier_id bigint, month integer, customer_id bigint);
    """)
    dossier = model_of("dossier", owner=to(User), month=models.IntegerField(unique=True))
    for field in (to(dossier), to(dossier, to_field="month", db_column="month")):
        children = (Child(model_of("remark", dossier=field), "dossier"),)
        entry = DataType("Dossiers", dossier, (Column("owner"),), Overwrite(), "Dossiers.", children=children)
        with pytest.raises(CannotCompile, match="which no unique key has alone"):
            compile_plan(entry, read_tables(tables_of(entry)))
    entry = replace(entry, children=(Child(model_of("remark", dossier=to(dossier)), "dossier"),))
    with pytest.raises(CannotCompile) as refused:
        compile_plan(entry, read_tables(tables_of(entry)))
    change(refused.value.hint.split(" or ")[0])
    assert compile_plan(entry, read_tables(tables_of(entry))).run


def test_a_child_that_refers_to_the_owner_of_its_parent(db: None) -> None:
    """It would name the source, who has no badge any more."""
    change("""
        CREATE TABLE badge (id bigint PRIMARY KEY, owner_id bigint NOT NULL UNIQUE);
        CREATE TABLE door (id bigint PRIMARY KEY, badge_id bigint);
    """)
    badge = model_of("badge", id=models.BigIntegerField(primary_key=True), owner=to(User, unique=True))
    children = (Child(model_of("door", badge=to(badge, to_field="owner")), "badge"),)
    entry = DataType("Badges", badge, (Column("owner"),), Combine(KeepTarget()), "Badges.", children=children)
    with pytest.raises(CannotCompile, match="reference owner_id of badge, which a transfer changes"):
        compile_plan(entry, read_tables(tables_of(entry)))


def test_a_policy_that_compares_a_column_generated_from_the_owner(db: None) -> None:
    """Rows that lose to the same one would be sorted by what they had before."""
    change("""
        CREATE TABLE badge (id bigint PRIMARY KEY, owner_id bigint NOT NULL UNIQUE, n integer,
            score integer GENERATED ALWAYS AS (n + owner_id) STORED);
    """)
    badge = model_of("badge", owner=to(User), score=models.IntegerField())
    entry = DataType("Badges", badge, (Column("owner"),), Combine(Latest("score")), "Badges.")
    with pytest.raises(CannotCompile, match="compares score, which is generated from an owner"):
        compile_plan(entry, read_tables(tables_of(entry)))


def test_a_child_that_refers_to_a_column_generated_from_the_owner(db: None) -> None:
    """It would name the code that the badge had before."""
    change("""
        CREATE TABLE badge (id bigint PRIMARY KEY, owner_id bigint NOT NULL UNIQUE,
            code text GENERATED ALWAYS AS ('badge ' || owner_id) STORED NOT NULL UNIQUE);
        CREATE TABLE door (id bigint PRIMARY KEY, code text);
    """)
    code = models.TextField(unique=True)
    badge = model_of("badge", id=models.BigIntegerField(primary_key=True), owner=to(User), code=code)
    door = model_of("door", badge=to(badge, to_field="code", db_column="code"))
    children = (Child(door, "badge"),)
    entry = DataType("Badges", badge, (Column("owner"),), Combine(KeepTarget()), "Badges.", children=children)
    with pytest.raises(CannotCompile, match="reference code of badge, which a transfer changes"):
        compile_plan(entry, read_tables(tables_of(entry)))


def test_a_grandchild_that_refers_to_the_parent_of_its_parent(db: None) -> None:
    """It would name the file that is gone when its own file's case changes."""
    change("""
        CREATE UNIQUE INDEX ON smallapp_casefile (case_id);
        CREATE TABLE label (id bigint PRIMARY KEY, file_id bigint);
    """)
    case = running.type_of("smallapp_case")
    label = model_of("label", file=to(small.CaseFile, to_field="case"))
    entry = replace(case, children=(Child(small.CaseFile, "case", children=(Child(label, "file"),)),))
    with pytest.raises(
        CannotCompile, match="reference case_id of smallapp_casefile, which a transfer changes"
    ):
        compile_plan(entry, read_tables(tables_of(entry)))


def test_a_child_that_is_declared_under_two_spellings(people: People) -> None:
    case = running.type_of("smallapp_case")
    again = model_of('"public"."smallapp_casefile"', case=to(small.Case))
    with pytest.raises(CannotCompile, match="are children in two ways"):
        run(people, replace(case, children=(*case.children, Child(again, "case"))))


def test_a_child_that_refers_to_a_column_without_a_value(db: None) -> None:
    """The row that is kept has no code, so a child that is re-pointed to it would have no parent."""
    change("""
        CREATE TABLE dossier (id bigint PRIMARY KEY, owner_id bigint NOT NULL, code text UNIQUE, UNIQUE (owner_id));
        CREATE TABLE remark (id bigint PRIMARY KEY, dossier_code text REFERENCES dossier (code));
    """)
    code = models.TextField(unique=True, null=True)
    dossier = model_of("dossier", id=models.BigIntegerField(primary_key=True), owner=to(User), code=code)
    remark = model_of("remark", dossier=to(dossier, to_field="code", db_column="dossier_code"))
    entry = DataType("Dossiers", dossier, (Column("owner"),), Combine(KeepTarget()), "Dossiers.")

    def compiled(**facts: bool) -> CompiledPlan:
        with_child = replace(entry, children=(Child(remark, "dossier", **facts),))
        return compile_plan(with_child, read_tables(tables_of(with_child)))

    with pytest.raises(CannotCompile, match="code of dossier, which they reference, may be empty"):
        compiled()
    assert compiled(goes_with_parent=True).run
    assert compiled(detached=True).run
    # Rows from before may have none.
    change("ALTER TABLE dossier ADD CONSTRAINT coded NOT NULL code NOT VALID")
    with pytest.raises(CannotCompile, match="code of dossier, which they reference, may be empty"):
        compiled()
    change("ALTER TABLE dossier VALIDATE CONSTRAINT coded")
    assert compiled().run
    # A subquery without a row gives NULL, which the domain does not refuse.
    change("ALTER TABLE dossier DROP CONSTRAINT coded, ALTER code DROP NOT NULL")
    change("CREATE DOMAIN required AS text NOT NULL; ALTER TABLE dossier ALTER code TYPE required")
    with pytest.raises(CannotCompile, match="code of dossier, which they reference, may be empty"):
        compiled()


@pytest.mark.parametrize(
    ("table", "rule", "words"),
    [
        (
            "smallapp_staff",
            Combine(Merge({"manager": FillBlank()})),
            "manager_id refers to rows of accounts_user",
        ),
        ("smallapp_watchlist", Combine(Merge({"users": Max()})), "users says which user owns the row"),
        (
            "smallapp_room",
            Combine(Merge({"parent": FillBlank()})),
            "parent_id refers to rows of smallapp_room",
        ),
        (
            "smallapp_ticket",
            Profile({"merged_to": FillBlank()}),
            "merged_to_id refers to rows of smallapp_ticket",
        ),
    ],
)
def test_a_policy_that_would_write_a_reference(db: None, table: str, rule: Rule, words: str) -> None:
    """The losing row's manager may be a source, or the user who gets the row; its parent may be the kept row itself."""
    entry = replace(running.type_of(table), rule=rule)
    with pytest.raises(CannotCompile, match=words):
        compile_plan(entry, read_tables(tables_of(entry)))


@pytest.mark.parametrize(
    ("table", "column"), [("smallapp_attachment", "kind"), ("smallapp_badge", "tenant_id")]
)
def test_a_policy_that_would_write_whose_a_row_is(db: None, table: str, column: str) -> None:
    """With the kind or the tenant of the losing row, the number would be that of a team or of somebody else."""
    entry = replace(running.type_of(table), rule=Combine(Merge({column: Max()})))
    with pytest.raises(CannotCompile, match=f"{column} says which user owns the row"):
        compile_plan(entry, read_tables(tables_of(entry)))


def test_a_policy_that_would_write_what_an_owner_or_a_reference_is_generated_from(people: People) -> None:
    change("""
        CREATE TABLE remark (id bigint PRIMARY KEY, by_id bigint, owner_id bigint, k int, is_user boolean, above bigint,
            kind text GENERATED ALWAYS AS (CASE WHEN is_user THEN 'user' ELSE 'team' END) STORED,
            parent_id bigint GENERATED ALWAYS AS (nullif(above, 0)) STORED, UNIQUE (by_id, k));
    """)
    facts = {"is_user": models.BooleanField(), "kind": models.TextField(), "above": models.BigIntegerField()}
    model = model_of("remark", by=to(User), owner_id=models.BigIntegerField(), parent=to("self"), **facts)
    owners = (Column("by"), Polymorphic("owner_id", "kind", "user"))
    for fold, words in (
        ({"is_user": Max()}, "kind, which is generated from is_user, says which user owns the row"),
        ({"above": Max()}, "parent_id, which is generated from above, refers to rows of remark"),
    ):
        entry = DataType("Remarks", model, owners, Combine(Merge(fold)), "Remarks.")
        with pytest.raises(CannotCompile, match=words):
            compile_plan(entry, read_tables(tables_of(entry)))


@pytest.mark.parametrize("rule", [Combine(KeepTarget()), Overwrite()])
def test_a_primary_key_that_is_generated_from_the_owner(people: People, rule: Rule) -> None:
    """The journal names a moved row by the key that it had."""
    change("""
        ALTER TABLE smallapp_keyed DROP CONSTRAINT smallapp_keyed_pkey,
            ADD code text GENERATED ALWAYS AS (owner_id::text || '-' || id) STORED PRIMARY KEY;
    """)
    keyed = replace(put(people, "smallapp_keyed", "S1", "T1", columns="owner k"), rule=rule)
    with pytest.raises(
        CannotCompile, match="code, in the primary key of smallapp_keyed, is generated from owner_id"
    ):
        run(people, keyed)


def test_a_child_whose_foreign_key_is_generated(people: People) -> None:
    """As of rows that belong to a row of one of several tables: nothing can be written into it."""
    change("""
        CREATE TABLE remark (id bigint PRIMARY KEY, kind text, number bigint, keyed_id bigint REFERENCES smallapp_keyed
            GENERATED ALWAYS AS (CASE WHEN kind = 'keyed' THEN number END) STORED);
    """)
    keyed = put(people, "smallapp_keyed", ("S", 1), ("T", 1), ("S", 2), columns="owner k")
    change("INSERT INTO remark VALUES (1, 'keyed', 1), (2, 'keyed', 2), (3, 'person', 1), (4, 'keyed', 3)")
    remark = Child(model_of("remark", keyed=to(small.Keyed, null=True)), "keyed")

    def compiled(entry: DataType) -> CompiledPlan:
        return compile_plan(entry, read_tables(tables_of(entry)))

    words = "keyed_id of remark is a generated column, so its rows can neither get another parent nor lose it"
    for rule, child in (
        (Combine(KeepTarget()), remark),
        (Combine(KeepTarget()), replace(remark, detached=True)),
        (Overwrite(), replace(remark, detached=True)),
    ):
        with pytest.raises(CannotCompile, match=words) as refused:
            compiled(replace(keyed, rule=rule, children=(child,)))
    for rule, child in (
        (Combine(KeepTarget()), replace(remark, goes_with_parent=True)),
        (Overwrite(), remark),
    ):
        entry = replace(keyed, rule=rule, children=(child,))
        before = rows_as_text([entry])
        with running.only(entry):
            ran = running.run_pairs(people.by, people.pairs, [entry])
        assert ran.counts[0][entry.key]["children"] == 1
        restore(ran.transfer_id)
        assert rows_as_text([entry]) == before
    change("DROP INDEX keyed_once")
    entry = replace(keyed, children=(remark,))
    assert compiled(entry).run, "no row is deleted"
    entry = replace(entry, rule=Overwrite(), children=(replace(remark, detached=True),))
    change(refused.value.hint.split(": ")[-1])
    assert compiled(entry).run


def test_a_primary_key_of_a_child_that_is_generated_from_its_parent(db: None) -> None:
    change("""
        CREATE TABLE remark (number bigint, sched_id bigint,
            id text GENERATED ALWAYS AS (sched_id::text || '-' || number) STORED PRIMARY KEY);
    """)
    remark = Child(model_of("remark", sched=to(small.Sched)), "sched")
    sched = replace(running.type_of("smallapp_sched"), rule=Combine(KeepTarget()), children=(remark,))
    change("CREATE UNIQUE INDEX ON smallapp_sched (owner_id, slot)")
    with pytest.raises(CannotCompile, match="id, in the primary key of remark, is generated from sched_id"):
        compile_plan(sched, read_tables(tables_of(sched)))
    goes = replace(sched, children=(replace(remark, goes_with_parent=True),))
    assert compile_plan(goes, read_tables(tables_of(goes))).run


PROFILES = {
    "with heirs": (
        "smallapp_preference",
        "CREATE TABLE heir (more text) INHERITS (smallapp_preference)",
        "other tables inherit from smallapp_preference",
    ),
    "that is a view": (
        "smallapp_preference",
        "ALTER TABLE smallapp_preference RENAME TO kept; CREATE VIEW smallapp_preference AS SELECT * FROM kept",
        "smallapp_preference is not a table of this database",
    ),
    "with an owner that rounds": (
        "smallapp_preference",
        "ALTER TABLE smallapp_preference DROP COLUMN id, ADD id real UNIQUE",
        "id is of type real, which rounds the IDs of users",
    ),
    "with an attribute in any case": (
        "smallapp_outsideprofile",
        "CREATE EXTENSION citext; ALTER TABLE smallapp_outsideprofile ALTER person_no TYPE citext",
        "person_no ignores case or other differences",
    ),
    "whose rows are hidden": (
        "smallapp_preference",
        "ALTER TABLE smallapp_preference ENABLE ROW LEVEL SECURITY",
        "row-level security may hide rows of smallapp_preference",
    ),
    "that other rows follow": (
        "smallapp_preference",
        """
        CREATE UNIQUE INDEX ON smallapp_preference (id, phone);
        CREATE TABLE follower (id bigint, phone text,
            FOREIGN KEY (id, phone) REFERENCES smallapp_preference (id, phone) ON UPDATE CASCADE);
        """,
        "if phone is changed, a foreign key ON UPDATE changes rows of another table",
    ),
}


@pytest.mark.parametrize(("table", "statements", "words"), PROFILES.values(), ids=PROFILES)
def test_a_profile_that_cannot_be_right(db: None, table: str, statements: str, words: str) -> None:
    entry = running.type_of(table)
    change(statements)
    with pytest.raises(CannotCompile, match=words):
        compile_plan(entry, read_tables(tables_of(entry)))


def test_a_profile_to_which_a_foreign_key_on_delete_refers(db: None) -> None:
    """No row of a profile is deleted."""
    entry = running.type_of("smallapp_preference")
    change("CREATE TABLE follower (id bigint REFERENCES smallapp_preference ON DELETE SET NULL)")
    assert compile_plan(entry, read_tables(tables_of(entry))).run


def test_a_new_name_under_two_keys(people: People) -> None:
    change("CREATE UNIQUE INDEX folder_lower ON smallapp_folder (owner_id, lower(name))")
    folder = put(people, "smallapp_folder", ("S", "Box"), columns="owner name")
    with pytest.raises(CannotCompile, match="Rename cannot find a name that is free in several unique keys"):
        run(people, folder)


def test_a_foreign_key_that_was_added_after_the_start(people: People) -> None:
    """A unique key that is added later takes effect at once; ON DELETE SET NULL changes rows unmentioned."""
    keyed = put(people, "smallapp_keyed", "S1", "T1", columns="owner k")
    change("CREATE TABLE follower (id bigint, keyed_id bigint REFERENCES smallapp_keyed ON DELETE SET NULL)")
    change("INSERT INTO follower VALUES (1, 1)")
    with pytest.raises((TotalsMismatch, CannotCompile)):
        run(people, keyed)


def test_a_policy_that_was_added_after_the_start(people: People) -> None:
    """Rows of the source would stay behind, and verification would not see them either."""
    plain = put(people, "smallapp_plain", ("S", 1), ("S", 2), columns="owner v")
    change("""
        ALTER TABLE smallapp_plain ENABLE ROW LEVEL SECURITY;
        CREATE POLICY one_only ON smallapp_plain USING (v = 1);
    """)
    with pytest.raises((TotalsMismatch, CannotCompile, DatabaseError)):
        run(people, plain)


# --- Accepted --------------------------------------------------------------------------------------------------------


def test_a_table_and_a_schema_with_long_names(people: People) -> None:
    """Both have 63 characters, the most that PostgreSQL allows, and need quotation marks."""
    schema, name = "S" * 63, "T" * 63
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE SCHEMA "{schema}"; GRANT USAGE ON SCHEMA "{schema}" TO PUBLIC;
            CREATE TABLE "{schema}"."{name}" (id bigint PRIMARY KEY, owner_id bigint NOT NULL);
            CREATE INDEX ON "{schema}"."{name}" (owner_id);
            GRANT ALL ON "{schema}"."{name}" TO PUBLIC;
            INSERT INTO "{schema}"."{name}" VALUES (1, {people["S"].pk});
        """)
    with patch.object(small.Keyed._meta, "db_table", f'"{schema}"."{name}"'):
        entry = running.type_of(f'"{schema}"."{name}"')
        staged = [StagedPair(n, one.pk, other.pk) for n, (one, other) in enumerate(people.pairs)]
        with running.only(entry):
            assert predict(staged)
            transfer = cast.transfer(people.by, *people.pairs, state=State.RUNNING, kind=Kind.BULK)
            run_batch(transfer, [pair.pk for pair in transfer.pairs.all()])
    owners = f'SELECT owner_id FROM "{schema}".{{}}'
    assert running.query(owners, name) == [people["T"].pk]


@pytest.mark.parametrize(
    ("key", "reference"),
    [
        ("timestamptz", "timestamp"),
        ("timestamptz", "date"),
        ("character(5)", "text"),
        ("text", 'text COLLATE "C"'),
        ("numeric(20,2)", "double precision"),
    ],
)
def test_a_child_whose_reference_is_compared_otherwise(db: None, key: str, reference: str) -> None:
    """The foreign key has operators of its own: a time of the session's zone, blanks at the end that do not count."""
    change(f"""
        CREATE TABLE dossier (id bigint PRIMARY KEY, owner_id bigint, code {key} NOT NULL UNIQUE);
        CREATE TABLE remark (id bigint PRIMARY KEY, code {reference});
    """)
    dossier = model_of("dossier", owner=to(User), code=models.TextField(unique=True))
    children = (Child(model_of("remark", of=to(dossier, to_field="code", db_column="code")), "of"),)
    entry = DataType("Dossiers", dossier, (Column("owner"),), Overwrite(), "Dossiers.", children=children)
    with pytest.raises(CannotCompile, match="so they would be compared otherwise") as refused:
        compile_plan(entry, read_tables(tables_of(entry)))
    change(refused.value.hint.removeprefix("Change it: "))
    assert compile_plan(entry, read_tables(tables_of(entry))).run


@pytest.mark.parametrize("column", ["kind", "code", "name"])
def test_a_type_of_an_extension_outside_of_the_search_path(db: None, column: str) -> None:
    """Its values would be compared as text."""
    types = {"kind": "text", "code": "text", "name": "text", column: "ext.citext"}
    change(f"""
        CREATE SCHEMA ext; GRANT USAGE ON SCHEMA ext TO PUBLIC; CREATE EXTENSION citext SCHEMA ext;
        CREATE TABLE dossier (id bigint PRIMARY KEY, kind {types["kind"]}, owner_id bigint, code {types["code"]},
            name {types["name"]}, other ext.citext, UNIQUE (kind, owner_id, code));
    """)
    dossier = model_of(
        "dossier", kind=models.TextField(), owner_id=models.BigIntegerField(), code=models.TextField(),
        name=models.TextField(),
    )  # fmt: skip
    owner = Polymorphic("owner_id", kind_field="kind", kind="user")
    entry = DataType("Dossiers", dossier, (owner,), Combine(Merge({"name": Max()})), "Dossiers.")
    with pytest.raises(
        CannotCompile, match=f"{column} of dossier is of type ext.citext, which is in a schema outside"
    ):
        compile_plan(entry, read_tables(tables_of(entry)))
    change(f"ALTER TABLE dossier ALTER {column} TYPE text")
    assert compile_plan(entry, read_tables(tables_of(entry))).run
