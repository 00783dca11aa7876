"""Parts of partitioned and inherited tables that no data type covers."""

import pytest
from django.db import models

from tests.transfers.checks.declaring import (
    change,
    child_of,
    entry,
    found,
    ids,
    only,
    paste,
    table,
    to_user,
)
from transfers.rules import (
    Child,
    Column,
    Combine,
    DataType,
    KeepTarget,
    Latest,
    Merge,
    Overwrite,
    Profile,
    Rename,
    Sum,
)

pytestmark = pytest.mark.django_db

PARTITIONED = """
CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint) PARTITION BY RANGE (id);
CREATE INDEX ON note (user_id);
CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (1) TO (2);
CREATE TABLE note_2 PARTITION OF note FOR VALUES FROM (2) TO (9) PARTITION BY RANGE (id);
CREATE TABLE note_2a PARTITION OF note_2 FOR VALUES FROM (2) TO (3);
CREATE TABLE note_2b PARTITION OF note_2 FOR VALUES FROM (3) TO (9);
"""
INHERITED = """
CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint);
CREATE INDEX ON note (user_id);
CREATE TABLE note_1 (PRIMARY KEY (id)) INHERITS (note);
CREATE INDEX ON note_1 (user_id);
"""


def test_a_partitioned_table_covers_its_partitions() -> None:
    change(PARTITIONED)
    assert found(entry(table())) == []


def test_next_months_partition_of_types_for_single_partitions() -> None:
    change(PARTITIONED)
    types = [entry(table(name)) for name in ("note_1", "note_2a", "note_2b")]
    assert found(*types) == []
    change("CREATE TABLE note_3 PARTITION OF note FOR VALUES FROM (9) TO (20)")
    messages = found(*types)
    assert set(ids(messages)) == {"transfers.E113"}
    assert messages[0].msg.startswith(
        "Notes: note_1 is a part of note, and no data type covers its part note_3"
    )
    assert "db_table = 'note'" in str(messages[0].hint)


def test_a_part_with_partitions_of_its_own_covers_them() -> None:
    change(PARTITIONED)
    one, two = entry(table("note_1")), entry(table("note_2"))
    assert found(one, two) == []
    assert ids(found(one)) == ["transfers.E113", "transfers.E113"]


def test_a_table_and_its_partition_are_not_both_declared() -> None:
    change(PARTITIONED)
    assert ids(found(entry(table()), entry(table("note_1")))) == ["transfers.E114"]


def test_an_inheriting_table_does_not_cover_its_parent() -> None:
    change(INHERITED)
    notes = entry(table("note_1"))
    error = only(found(notes))
    assert (error.id, "covers its part note, whose rows" in error.msg) == ("transfers.E113", True)
    paste(error.hint)
    assert found(notes) == []


def test_a_parent_without_the_owner_has_no_rows_of_users() -> None:
    change(INHERITED + "ALTER TABLE note_1 ADD also_id bigint; CREATE INDEX ON note_1 (also_id)")
    note = table("note_1", user=models.BigIntegerField(db_column="also_id"))
    assert found(entry(note)) == []


def test_a_key_that_only_an_inheriting_table_has() -> None:
    change(INHERITED)
    notes = entry(table(), rule=Combine(KeepTarget()))
    assert found(notes) == []
    change("CREATE UNIQUE INDEX once ON note_1 (user_id)")
    error = only(found(notes))
    assert error.id == "transfers.E113"
    assert "note_1, a part of note, has the unique key once (user_id) of its own" in error.msg


def test_a_generated_column_that_a_part_generates_otherwise() -> None:
    change("""
        CREATE TABLE note (id bigint, user_id bigint, day date, title text,
            short text GENERATED ALWAYS AS (lower(title)) STORED, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE INDEX ON note (user_id);
        CREATE TABLE note_1 (id bigint NOT NULL, user_id bigint, day date NOT NULL, title text,
            short text GENERATED ALWAYS AS (title) STORED);
        ALTER TABLE note ATTACH PARTITION note_1 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    """)
    notes = entry(table(), rule=Combine(KeepTarget()))
    assert found(notes) == [], "it is in no key"
    fields = {"user": to_user(), "short": models.TextField()}
    ranked = entry(table(**fields), rule=Combine(Latest("short")))
    assert ids(found(ranked)) == ["transfers.E113"], "it decides which row is kept"
    change("CREATE UNIQUE INDEX once ON note (user_id, short, day)")
    error = only(found(notes))
    assert (error.id, "short is generated in note_1, a part of note, by title" in error.msg) == (
        "transfers.E113", True,
    )  # fmt: skip
    change("""
        ALTER TABLE note DETACH PARTITION note_1;
        ALTER TABLE note_1 ALTER short SET EXPRESSION AS (lower(title));
        ALTER TABLE note ATTACH PARTITION note_1 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    """)
    assert found(notes) == []


def test_a_key_that_partitions_have_from_their_table() -> None:
    change("""
        CREATE TABLE note (id bigint, user_id bigint, day date, PRIMARY KEY (id, day), UNIQUE (user_id, day))
            PARTITION BY RANGE (day);
        CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    """)
    assert found(entry(table(), rule=Combine(KeepTarget()))) == []


def test_a_key_that_only_a_partition_has() -> None:
    change(PARTITIONED)
    notes = entry(table(), rule=Combine(KeepTarget()))
    change("CREATE UNIQUE INDEX once ON note_2a (user_id)")
    error = only(found(notes))
    assert error.id == "transfers.E113"
    assert "note_2a, a part of note, has the unique key once (user_id) of its own" in error.msg
    assert ids(found(entry(notes.model, rule=Overwrite()))) == ["transfers.E113"], (
        "late arrivals are combined"
    )
    paste(error.hint)
    assert found(notes) == []


def test_a_key_of_a_partition_with_a_column_that_a_policy_writes() -> None:
    change("""
        CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint, title text, n int) PARTITION BY RANGE (id);
        CREATE INDEX ON note (user_id);
        CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (1) TO (2);
        CREATE UNIQUE INDEX once ON note_1 (title, n);
    """)
    note = table("note", user=to_user(), title=models.TextField(), n=models.IntegerField())
    for policy in (Rename("title"), Merge({"n": Sum()})):
        assert "transfers.E113" in ids(found(entry(note, rule=Combine(policy))))
    assert found(entry(note, rule=Combine(KeepTarget()))) == []


def test_a_key_of_a_partition_with_the_owner_and_a_column_of_a_profile() -> None:
    """A user has one row, so no two rows have the same user."""
    change("CREATE TABLE note (id bigint, user_id bigint UNIQUE, n int) PARTITION BY RANGE (user_id)")
    change("CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (1) TO (2)")
    change("CREATE UNIQUE INDEX ON note_1 (user_id, n)")
    note = table("note", user=to_user(), n=models.IntegerField())
    notes = entry(note, rule=Profile({"n": Sum()}))
    assert "transfers.E113" not in ids(found(notes))
    change("CREATE UNIQUE INDEX ON note_1 (n)")
    assert "transfers.E113" in ids(found(notes))


def test_a_key_of_a_partition_with_the_second_owner_of_an_overwritten_type() -> None:
    change("CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint, by_id bigint) PARTITION BY RANGE (id)")
    change("CREATE INDEX ON note (user_id); CREATE INDEX ON note (by_id)")
    change("CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (1) TO (2)")
    change("CREATE UNIQUE INDEX once ON note_1 (by_id)")
    note = table("note", user=to_user(), by=to_user())
    assert ids(found(entry(note, Column("user"), Column("by"), rule=Overwrite()))) == ["transfers.E113"]


# --- Children of two data types --------------------------------------------------------------------------------------

SHARED = """
CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint); CREATE INDEX ON note (user_id);
CREATE TABLE memo (id bigint PRIMARY KEY, user_id bigint); CREATE INDEX ON memo (user_id);
CREATE TABLE page (id bigint PRIMARY KEY, note_id bigint, memo_id bigint) PARTITION BY RANGE (id);
CREATE TABLE page_1 PARTITION OF page FOR VALUES FROM (1) TO (9);
CREATE INDEX ON page (note_id); CREATE INDEX ON page (memo_id);
"""


def with_pages(
    name: str, pages: str = "page", *, detached: bool = False, rule: Combine | Overwrite | None = None
) -> DataType:
    of = table(name)
    child = Child(child_of(of, pages, name), name, detached=detached)
    return entry(of, rule=rule or Overwrite(), children=(child,))


@pytest.mark.parametrize("detached", [False, True])
@pytest.mark.parametrize("pages", ["page", "page_1"])
def test_children_that_two_data_types_may_delete(pages: str, detached: bool) -> None:
    """Whichever is first would delete or re-point rows that the other has counted."""
    change(SHARED)
    error = only(found(with_pages("note"), with_pages("memo", pages, detached=detached)))
    assert (error.id, error.msg.partition(":")[0]) == (
        "transfers.E114",
        "page is a child of Notes and of Notes",
    )


def test_children_that_two_data_types_detach() -> None:
    change(SHARED)
    assert found(with_pages("note", detached=True), with_pages("memo", detached=True)) == []


def test_children_of_a_data_type_that_deletes_no_row() -> None:
    change(SHARED)
    assert found(with_pages("note"), with_pages("memo", rule=Combine())) == []


# --- Parts that alone have a key or a foreign key ---------------------------------------------------------------------


def test_a_child_of_which_only_one_part_has_the_foreign_key() -> None:
    """The other part's numbers are those of other rows, such as persons."""
    change("""
        CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint); CREATE INDEX ON note (user_id);
        CREATE TABLE page (id bigint, kind text, note_id bigint, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
        CREATE TABLE page_1 PARTITION OF page FOR VALUES IN ('note');
        CREATE TABLE page_2 PARTITION OF page FOR VALUES IN ('person');
        CREATE INDEX ON page (note_id);
        ALTER TABLE page_1 ADD FOREIGN KEY (note_id) REFERENCES note;
    """)
    error = only(found(with_pages("note")))
    assert error.id == "transfers.E103"
    assert "the other parts of the declared child, such as page_2, have no such foreign key" in error.msg
    assert "db_table = 'page_1'" in str(error.hint)
    assert found(with_pages("note", "page_1")) == []
    change("ALTER TABLE page_2 ADD FOREIGN KEY (note_id) REFERENCES note")
    assert found(with_pages("note")) == []


def test_a_key_that_only_a_part_of_a_child_has() -> None:
    """By which a child could conflict with one of its new parent."""
    change(SHARED + "CREATE UNIQUE INDEX once ON page_1 (note_id); CREATE UNIQUE INDEX ON note (user_id)")
    notes = with_pages("note", rule=Combine(KeepTarget()))
    error = only(found(notes))
    assert (error.id, "page_1, a part of page, has the unique key once" in error.msg) == (
        "transfers.E113",
        True,
    )
    assert found(with_pages("note", rule=Overwrite())) == [], "they are deleted with their parents"
    change("DROP INDEX once")
    assert found(notes) == []


def test_an_owner_that_references_users_in_one_part_only() -> None:
    """The other part's numbers are those of persons."""
    change("""
        CREATE TABLE note (id bigint, kind text, user_id bigint, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
        CREATE TABLE note_1 PARTITION OF note FOR VALUES IN ('user');
        CREATE TABLE note_2 PARTITION OF note FOR VALUES IN ('person');
        CREATE INDEX ON note (user_id);
        ALTER TABLE note_1 ADD FOREIGN KEY (user_id) REFERENCES accounts_user;
    """)
    error = only(found(entry(table())))
    assert (error.id, "in others, such as note_2, whose rows" in error.msg) == ("transfers.E113", True)
    change("ALTER TABLE note_2 ADD FOREIGN KEY (user_id) REFERENCES accounts_user")
    assert found(entry(table())) == []
