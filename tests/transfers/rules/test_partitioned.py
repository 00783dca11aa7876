"""Partitioned tables, also if a row changes its partition by being moved, and tables of other schemas."""

from dataclasses import replace
from unittest.mock import patch

import pytest
from django.core.checks import run_checks
from django.db import connection, models

from accounts.models import User
from tests.apps.smallapp import models as small
from tests.fixtures.roles import as_owner
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, model_of, put, run, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import whole_row
from tests.transfers.rules.test_children import S, T, U, X, parents_of, rows
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.stage import compile_plans
from transfers.rules import Child, Column, Combine, DataType, KeepSource, KeepTarget, Latest, Overwrite, Rule


def ddl(statements: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statements)


def partition(table: str, key: str, *partitions: str) -> None:
    """Make the table a partitioned one with the same columns, defaults and, where possible, keys."""
    parts = "".join(
        f"CREATE TABLE {table}_{n} PARTITION OF {table} {bounds};" for n, bounds in enumerate(partitions)
    )
    ddl(f"""
        CREATE TABLE copied (LIKE {table} INCLUDING DEFAULTS INCLUDING IDENTITY) PARTITION BY {key};
        DROP TABLE {table} CASCADE;
        ALTER TABLE copied RENAME TO {table};
        {parts}
        GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO PUBLIC;
    """)


BY_LIST = ("LIST (k)", "FOR VALUES IN (1)", "FOR VALUES IN (2)", "DEFAULT")
BY_DAY = ("LIST (day)", *BY_LIST[1:])
BY_HASH = (
    "HASH (owner_id)",
    *(f"FOR VALUES WITH (MODULUS 5, REMAINDER {n})" for n in range(5)),
)


@pytest.mark.parametrize("partitions", [BY_LIST, BY_HASH], ids=["by another column", "by the owner"])
def test_conflicts_are_resolved_across_partitions(people: People, partitions: tuple[str, ...]) -> None:
    """Each partition has rows with the same ctids as the others."""
    partition("smallapp_keyed", *partitions)
    ddl("CREATE UNIQUE INDEX keyed_once ON smallapp_keyed (owner_id, k)")
    lines = [[S, 1], [T, 1], [X, 1], [S, 2], [X, 2], [U, 1], [T, 3]]
    entry = running.type_of("smallapp_keyed")
    before = [
        whole_row(small.Keyed, id=n, owner=who, k=k) for n, (who, k) in enumerate(people.spell(lines), 1)
    ]
    running.insert("smallapp_keyed", before)
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    t, x, v = (people[letter].pk for letter in "TXV")
    after = {row["id"]: (row["owner_id"], row["k"]) for row in ran.world["smallapp_keyed"]}
    assert after == {2: (t, 1), 3: (x, 1), 4: (t, 2), 5: (x, 2), 6: (v, 1), 7: (t, 3)}
    assert [(row.reason, row.row["id"]) for row in ran.discarded] == [("dropped", 1)]
    assert ran.counts == ran.predicted


@pytest.mark.parametrize("partitions", [BY_DAY, BY_HASH], ids=["by another column", "by the owner"])
def test_values_are_folded_across_partitions(people: People, partitions: tuple[str, ...]) -> None:
    partition("smallapp_counter", *partitions)
    ddl("CREATE UNIQUE INDEX counter_once ON smallapp_counter (owner_id, day)")
    entry = running.type_of("smallapp_counter")
    lines = people.spell([[S, 1, 5], [T, 1, 7], [S, 2, 1], [X, 1, 9]])
    running.insert(
        "smallapp_counter",
        [whole_row(small.Counter, id=n, owner=who, day=day, n=m) for n, (who, day, m) in enumerate(lines, 1)],
    )
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert {row["id"]: row["n"] for row in ran.world["smallapp_counter"]} == {2: 12, 3: 1, 4: 9}
    assert ran.counts == ran.predicted


def test_a_fold_of_the_column_by_which_a_table_is_partitioned(people: People) -> None:
    """Each key of the table holds it, so the row that is kept could get the key of another one."""
    partition("smallapp_counter", "RANGE (n)", "FOR VALUES FROM (0) TO (10)", "FOR VALUES FROM (10) TO (99)")
    ddl("CREATE UNIQUE INDEX counter_once ON smallapp_counter (owner_id, day, n)")
    with (
        running.only(running.type_of("smallapp_counter")),
        pytest.raises(CannotCompile, match="counter_once"),
    ):
        compile_plans()


def test_rows_are_overwritten_across_partitions(people: People) -> None:
    partition("smallapp_sched", "LIST (slot)", "FOR VALUES IN (1)", "FOR VALUES IN (2)")
    ddl("CREATE INDEX ON smallapp_sched (owner_id)")
    entry = running.type_of("smallapp_sched")
    lines = people.spell([[S, 1], [T, 1], [T, 2], [X, 2]])
    running.insert(
        "smallapp_sched",
        [whole_row(small.Sched, id=n, owner=who, slot=slot) for n, (who, slot) in enumerate(lines, 1)],
    )
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert {row["id"]: row["owner_id"] for row in ran.world["smallapp_sched"]} == {
        1: people["T"].pk,
        4: people["X"].pk,
    }
    assert ran.counts == ran.predicted


def test_rows_of_two_owners_at_the_same_place_of_two_partitions(people: People) -> None:
    S, T, X = (people[letter].pk for letter in "STX")
    partition("smallapp_link", "LIST (a_user_id)", f"FOR VALUES IN ({S})", "DEFAULT")
    ddl("CREATE UNIQUE INDEX link_once ON smallapp_link (a_user_id, b_user_id)")
    entry = running.type_of("smallapp_link")
    running.insert("smallapp_link", rows("a_user_id b_user_id", (S, X), (X, S)))
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    after = {row["id"]: (row["a_user_id"], row["b_user_id"]) for row in ran.world["smallapp_link"]}
    assert after == {1: (T, X), 2: (X, T)}
    assert ran.counts == ran.predicted


def test_children_of_a_lost_row_are_found_in_all_partitions(people: People) -> None:
    partition("smallapp_casefile", "LIST (number)", "FOR VALUES IN (1)", "FOR VALUES IN (2)")
    ddl("ALTER TABLE smallapp_casefile ADD PRIMARY KEY (id, number)")
    ddl("CREATE UNIQUE INDEX case_file_once ON smallapp_casefile (case_id, number)")
    entry = running.type_of("smallapp_case")
    running.insert("smallapp_case", people.spell(rows("owner_id k", (S, 1), (T, 1))))
    running.insert("smallapp_casefile", rows("case_id number", (1, 1), (2, 1), (1, 2)))
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert parents_of(ran, "smallapp_casefile", "case_id") == {2: 2, 3: 2}
    assert ran.counts == ran.predicted


def test_a_row_at_the_same_place_of_another_partition_keeps_its_children(people: People) -> None:
    partition("smallapp_case", *BY_LIST)
    ddl("ALTER TABLE smallapp_case ADD PRIMARY KEY (id, k)")
    ddl("CREATE UNIQUE INDEX case_once ON smallapp_case (owner_id, k)")
    entry = running.type_of("smallapp_case")
    running.insert("smallapp_case", people.spell(rows("owner_id k", (S, 1), (T, 1), (T, 2))))
    running.insert("smallapp_casefile", rows("case_id number", (1, 1), (3, 2)))
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert parents_of(ran, "smallapp_casefile", "case_id") == {1: 2, 2: 3}
    assert ran.counts == ran.predicted


@pytest.mark.parametrize("rule", [Overwrite(), Combine(KeepTarget()), Combine(KeepSource())])
def test_a_tree_of_which_one_partition_has_the_reference(people: People, rule: Rule) -> None:
    """A row that is detached is another version of the row that the type moves or deletes."""
    partition("smallapp_room", "RANGE (k)", "FOR VALUES FROM (1) TO (10)", "DEFAULT")
    change("""
        CREATE UNIQUE INDEX room_once ON smallapp_room (owner_id, k);
        ALTER TABLE smallapp_room ADD PRIMARY KEY (id, k), ADD parent_k integer NOT NULL DEFAULT 1;
        ALTER TABLE smallapp_room_0 ADD FOREIGN KEY (parent_id, parent_k) REFERENCES smallapp_room (id, k);
        GRANT ALL ON smallapp_room_0 TO PUBLIC;
    """)
    below = model_of("smallapp_room_0", parent=to(small.Room, null=True))
    children = (Child(below, "parent", detached=True),)
    entry = replace(running.type_of("smallapp_room"), rule=rule, children=children)
    first = [("S", 1, None), ("T", 1, None), ("S", 2, 1), ("S", 3, 1), ("X", 1, 1), ("T", 3, 1), ("S", 5, 2)]
    second = [("S", 11, 77), ("T", 12, 1)]  # in this partition, it is the number of something else
    put(people, "smallapp_room", *first, *second, columns="owner k parent")
    before = rows_as_text([entry])
    ran = run(people, entry)
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before


def test_partitioned_tables_do_not_stop_the_start(db: None) -> None:
    partition("smallapp_keyed", *BY_HASH)
    ddl("CREATE UNIQUE INDEX keyed_once ON smallapp_keyed (owner_id, k)")
    assert "transfers.E104" not in [message.id for message in run_checks(databases=["default"])]


@pytest.mark.parametrize("db_table", ['"suite 2"."Rows ""of"" all"', 'suite 2"."Rows ""of"" all'])
def test_a_table_in_another_schema(people: People, db_table: str) -> None:
    """The search path has a table of the same name, whose row stays as it is."""
    name = '"suite 2"."Rows ""of"" all"'
    ddl(f"""
        CREATE SCHEMA "suite 2";
        GRANT USAGE ON SCHEMA "suite 2" TO PUBLIC;
        CREATE TABLE {name} (LIKE smallapp_keyed INCLUDING ALL);
        CREATE TABLE "Rows ""of"" all" (LIKE smallapp_keyed INCLUDING ALL);
        GRANT SELECT, INSERT, UPDATE, DELETE ON {name}, "Rows ""of"" all" TO PUBLIC;
        INSERT INTO "Rows ""of"" all" (id, owner_id, k, v) VALUES (1, {people["S"].pk}, 1, 0);
        INSERT INTO {name} (id, owner_id, k, v) VALUES (1, {people["S"].pk}, 1, 0), (2, {people["T"].pk}, 1, 0);
    """)
    entry = running.type_of("smallapp_keyed")
    with patch.object(small.Keyed._meta, "db_table", db_table), running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [running.type_of("smallapp_plain")])
    assert ran.counts == ran.predicted == {0: {entry.key: {"source": 1, "target": 1, "dropped": 1}}}
    assert [(row.table, row.row["id"]) for row in ran.discarded] == [(name, 1)]
    assert len(running.rows_of('Rows "of" all')) == 1


def test_a_table_from_which_others_inherit_is_refused_if_its_rows_can_conflict(people: People) -> None:
    ddl("CREATE TABLE keyed_heir () INHERITS (smallapp_keyed)")
    entry = running.type_of("smallapp_keyed")
    with running.only(entry), pytest.raises(CannotCompile, match="other tables inherit from smallapp_keyed"):
        running.run_pairs(people.by, people.pairs, [entry])


def test_a_view_is_refused(people: People) -> None:
    ddl("""
        ALTER TABLE smallapp_keyed RENAME TO keyed_rows;
        CREATE VIEW smallapp_keyed AS SELECT * FROM keyed_rows;
        GRANT SELECT, INSERT, UPDATE, DELETE ON smallapp_keyed TO PUBLIC;
    """)
    entry = running.type_of("smallapp_keyed")
    with running.only(entry), pytest.raises(CannotCompile, match="smallapp_keyed is not a table"):
        running.run_pairs(people.by, people.pairs, [entry])


def test_rows_at_the_same_place_of_two_partitions_with_two_keys(people: People) -> None:
    """In one month, S's row has the place that T's has in the other, to which a row of S is lost."""
    change("""
        CREATE TABLE slip (id bigint, month integer, owner_id bigint, a integer, b integer, n integer,
            PRIMARY KEY (id, month), UNIQUE (owner_id, a, month), UNIQUE (owner_id, b, month)
        ) PARTITION BY LIST (month);
        CREATE TABLE slip_1 PARTITION OF slip FOR VALUES IN (1);
        CREATE TABLE slip_2 PARTITION OF slip FOR VALUES IN (2);
    """)
    for number, month, letter, n in ((1, 1, "T", 9), (2, 1, "S", 1), (3, 2, "S", 1), (4, 2, "T", 9)):
        execute("INSERT INTO slip VALUES (%s, %s, %s, 1, NULL, %s)", number, month, people[letter].pk, n)
    slip = model_of("slip", owner=to(User), n=models.IntegerField())
    entry = DataType("Slips", slip, (Column("owner"),), Combine(Latest("n")), "Slips.")
    assert {row["id"] for row in run(people, entry).world["slip"]} == {1, 4}
