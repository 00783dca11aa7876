"""Foreign keys by which the database would delete or change rows that no transfer counts."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from django.core.checks import ERROR, CheckMessage
from django.db import models

from tests.transfers.checks.declaring import (
    NOTE,
    PAGE,
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
    FillBlank,
    KeepTarget,
    Overwrite,
    Profile,
    Rename,
    Rule,
)

pytestmark = pytest.mark.django_db
ONCE = "ALTER TABLE note ADD UNIQUE (user_id, day);"


def errors(*entries: DataType, stays: Mapping[str, str] | None = None) -> list[CheckMessage]:
    return [message for message in found(*entries, stays=stays) if message.level >= ERROR]


def refers(by: str = "page", column: str = "note_id", to: str = "note", action: str = "") -> str:
    return f"ALTER TABLE {by} ADD CONSTRAINT {by}_{column} FOREIGN KEY ({column}) REFERENCES {to} {action};"


# --- Rows that may be deleted ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"])
@pytest.mark.parametrize("rule", [Overwrite(), Combine(KeepTarget())])
def test_an_undeclared_reference(action: str, rule: Rule) -> None:
    change(NOTE + PAGE + ONCE + refers(action=f"ON DELETE {action}"))
    error = only(errors(entry(table(), rule=rule)))
    assert error.id == "transfers.E103"
    assert f"page (note_id) references (foreign key page_note_id, ON DELETE {action})" in error.msg


def test_a_declared_reference() -> None:
    change(NOTE + PAGE + ONCE + refers(action="ON DELETE CASCADE"))
    note = table()
    assert found(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))) == []


@pytest.mark.parametrize(
    ("rule", "key"), [(Combine(), ""), (Combine(Rename("day")), ONCE), (Profile({}), ONCE)], ids=repr
)
def test_rows_that_are_never_deleted_may_be_referenced(rule: Rule, key: str) -> None:
    change(NOTE + PAGE + key + refers(action="ON DELETE CASCADE"))
    assert errors(entry(table(), rule=rule)) == []


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_reference_that_may_be_empty_can_be_detached(action: str) -> None:
    change(
        NOTE + PAGE + "ALTER TABLE page ALTER note_id DROP NOT NULL;" + refers(action=f"ON DELETE {action}")
    )
    change("CREATE TABLE line (id bigint PRIMARY KEY, page_id bigint REFERENCES page ON DELETE CASCADE)")
    note = table()
    error = only(errors(entry(note, rule=Overwrite())))
    assert 'children=(Child(Page, "note", detached=True),)' in str(error.hint)
    page = child_of(note, null=True)
    assert errors(entry(note, rule=Overwrite(), children=(Child(page, "note", detached=True),))) == []


def test_a_reference_that_may_not_be_empty_is_no_choice() -> None:
    change(NOTE + PAGE + refers())
    assert "detached" not in str(only(errors(entry(table(), rule=Overwrite()))).hint)


@pytest.mark.parametrize("rule", [Overwrite(), Combine(KeepTarget())])
def test_a_tree_can_be_detached(rule: Rule) -> None:
    change(NOTE + ONCE + refers(by="note", column="parent_id", action="ON DELETE CASCADE"))
    note = table(user=to_user(), parent=models.ForeignKey("self", models.DO_NOTHING, null=True))
    assert 'Child(Note, "parent", detached=True)' in str(only(errors(entry(note, rule=rule))).hint)
    assert errors(entry(note, rule=rule, children=(Child(note, "parent", detached=True),))) == []


def test_detached_rows_of_a_data_type_that_may_lose_them() -> None:
    change(
        NOTE
        + PAGE
        + "ALTER TABLE page ALTER note_id DROP NOT NULL, ADD user_id bigint, ADD day date;"
        + refers()
    )
    change("CREATE INDEX ON page (user_id)")
    note = table()
    to_note = models.ForeignKey(note, models.DO_NOTHING, null=True, related_name="+")
    page = table("page", note=to_note, user=to_user(), day=models.DateField())
    notes = entry(note, rule=Overwrite(), children=(Child(page, "note", detached=True),))
    assert errors(notes, entry(page)) == []
    assert ids(errors(notes, entry(page, rule=Overwrite()))) == ["transfers.E114"]
    change("CREATE UNIQUE INDEX ON page (user_id, note_id)")
    assert ids(errors(notes, entry(page, rule=Combine(Rename("day"))))) == ["transfers.E114"]


def test_a_second_foreign_key_of_a_declared_child() -> None:
    change(NOTE + PAGE + "ALTER TABLE page ADD also bigint;" + refers())
    change(refers(column="also", action="ON DELETE SET NULL"))
    note = table()
    error = only(errors(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))))
    assert (error.id, "page (also) references" in error.msg) == ("transfers.E103", True)


def test_a_table_of_the_same_name_in_another_schema() -> None:
    change(NOTE + PAGE + refers() + "CREATE SCHEMA archive")
    change("CREATE TABLE archive.page (note_id bigint REFERENCES note ON DELETE CASCADE)")
    note = table()
    error = only(errors(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))))
    assert (error.id, "that archive.page (note_id) references" in error.msg) == ("transfers.E103", True)


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_grandchild_that_only_the_database_knows(action: str) -> None:
    change(NOTE + PAGE + refers() + "CREATE TABLE line (page_id bigint);")
    change(refers("line", "page_id", "page", f"ON DELETE {action}"))
    note = table()
    error = only(errors(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))))
    assert (error.id, "rows of page that line (page_id) references" in error.msg) == ("transfers.E103", True)


def test_a_grandchild_under_a_child_with_a_key_that_only_the_database_knows() -> None:
    change(
        NOTE
        + PAGE
        + ONCE
        + refers()
        + "CREATE TABLE line (page_id bigint);"
        + refers("line", "page_id", "page")
    )
    note = table()
    notes = entry(note, rule=Combine(KeepTarget()), children=(Child(child_of(note), "note"),))
    assert errors(notes) == [], "pages go to the row that is kept"
    change("CREATE UNIQUE INDEX ON page (note_id)")
    assert ids(errors(notes)) == ["transfers.E103"]


def test_a_row_below_a_child_that_goes_with_its_parent() -> None:
    """Its own parent goes too, so no row takes its place: the lines are deleted, and the marks would be by cascade."""
    change(NOTE + PAGE + ONCE + refers() + "CREATE TABLE line (id bigint PRIMARY KEY, page_id bigint);")
    change("CREATE INDEX ON line (page_id); CREATE TABLE mark (line_id bigint);")
    change(refers("line", "page_id", "page") + refers("mark", "line_id", "line", "ON DELETE CASCADE"))
    note = table()
    page = child_of(note)
    line = Child(child_of(page, "line", "page"), "page")
    notes = entry(
        note,
        rule=Combine(KeepTarget()),
        children=(Child(page, "note", goes_with_parent=True, children=(line,)),),
    )
    assert "rows of line that mark (line_id) references" in only(errors(notes)).msg


def test_partitions_come_with_their_table() -> None:
    change(NOTE + "CREATE TABLE page (id bigint, note_id bigint, PRIMARY KEY (id)) PARTITION BY RANGE (id);")
    change(
        "CREATE INDEX ON page (note_id); CREATE TABLE page_1 PARTITION OF page FOR VALUES FROM (1) TO (9);"
    )
    change(refers(action="ON DELETE CASCADE"))
    change("CREATE TABLE page_2 PARTITION OF page FOR VALUES FROM (9) TO (20);")
    note = table()
    assert errors(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))) == []
    assert len(errors(entry(note, rule=Overwrite()))) == 1


def test_a_reference_to_a_partition() -> None:
    change("CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint) PARTITION BY RANGE (id);" + PAGE)
    change("CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (1) TO (9);" + refers(to="note_1"))
    assert ids(errors(entry(table(), rule=Overwrite()))) == ["transfers.E103"]
    note = table()
    [error] = errors(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),)))
    assert "it references rows of note_1 only" in error.msg


def test_a_child_whose_foreign_key_leads_elsewhere() -> None:
    """To a table that is no data type, as that of a category."""
    change(
        NOTE + PAGE + "CREATE TABLE category (id bigint PRIMARY KEY); ALTER TABLE page ADD category_id bigint"
    )
    page = child_of(table("category", code=models.TextField()), field="category")
    messages = errors(entry(table(), rule=Overwrite(), children=(Child(page, "category"),)))
    assert ids(messages) == ["transfers.E103"]
    assert "is no foreign key to quality.Note" in messages[0].msg


def test_a_reference_to_the_table_of_which_a_type_is_a_part() -> None:
    """The database has it as a key to each partition, too."""
    change("CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint) PARTITION BY RANGE (id);" + PAGE)
    change(
        "CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (1) TO (9);"
        + refers(action="ON DELETE CASCADE")
    )
    note = table("note_1")
    assert ids(errors(entry(note, rule=Overwrite()))) == ["transfers.E103"]
    assert errors(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))) == []


def test_children_of_a_partitioned_table_whose_numbers_may_be_in_two_parts() -> None:
    change("""
        CREATE TABLE note (id bigint, day date, user_id bigint, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE INDEX ON note (user_id);
    """)
    change(PAGE)
    note = table()
    notes = entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))
    warning = only(found(notes))
    assert warning.id == "transfers.W108"
    assert "page.note_id references id of note, which is partitioned" in warning.msg
    change(
        "DROP TABLE note; CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint) PARTITION BY RANGE (id)"
    )
    change("CREATE INDEX ON note (user_id)")
    assert found(notes) == []


def test_children_that_reference_the_whole_key_of_a_partitioned_table() -> None:
    """There may be several versions of a note, each with pages of its own."""
    change(
        "CREATE TABLE note (id bigint, day date, user_id bigint, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)"
    )
    change("CREATE INDEX ON note (user_id)")
    change(PAGE)
    change("ALTER TABLE page ADD day date, ADD FOREIGN KEY (note_id, day) REFERENCES note")
    note = table()
    undeclared = only(errors(entry(note, rule=Overwrite())))
    assert 'children=(Child(Page, "note"),)' in str(undeclared.hint)
    assert found(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))) == []


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("item_id", "item_type"),
        ("item_id", "ItemType"),
        ("object_id", "content_type_id"),
        ("itemid", "itemclass"),
    ],
)
def test_children_of_rows_of_several_tables(number: str, kind: str) -> None:
    change(
        NOTE
        + ONCE
        + f'CREATE TABLE remark (id bigint PRIMARY KEY, {number} bigint, "{kind}" text, type text)'
    )
    change(f"CREATE INDEX ON remark ({number})")
    note = table()
    children = (Child(child_of(note, "remark", "item", db_column=number), "item"),)
    notes = entry(note, rule=Combine(KeepTarget()), children=children)
    warning = only(found(notes))
    assert warning.id == "transfers.W109"
    assert f"remark.{number} references note, but no foreign key says so, and {kind} seems" in warning.msg
    change(f'ALTER TABLE remark RENAME "{kind}" TO other')
    assert found(notes) == []
    change(f'ALTER TABLE remark RENAME other TO "{kind}"')
    change(f"ALTER TABLE remark ADD FOREIGN KEY ({number}) REFERENCES note")
    assert found(notes) == []


def test_rows_that_refer_to_each_other() -> None:
    """Each note has pages, of which one is its first."""
    change(NOTE + ONCE + PAGE + "ALTER TABLE note ADD first_id bigint; CREATE INDEX ON note (first_id)")
    change("ALTER TABLE page ADD FOREIGN KEY (note_id) REFERENCES note")
    change("CREATE UNIQUE INDEX page_once ON page (note_id)")
    note = table()
    page = child_of(note)
    below = (Child(child_of(page, "note", "first", null=True), "first", detached=True),)
    for rule in (Combine(KeepTarget()), Overwrite()):
        notes = entry(note, rule=rule, children=(Child(page, "note", children=below),))
        change(
            "ALTER TABLE note ADD CONSTRAINT first FOREIGN KEY (first_id) REFERENCES page ON DELETE SET NULL"
        )
        error = only(found(notes))
        assert error.id == "transfers.E103"
        assert "the foreign key first is in the way (ON DELETE SET NULL)" in error.msg
        paste(error.hint)
        assert found(notes) == []
        change("ALTER TABLE note ALTER CONSTRAINT first NOT DEFERRABLE")
        assert ids(found(notes)) == ["transfers.E103"]
        change("ALTER TABLE note DROP CONSTRAINT first")


def test_rows_that_refer_to_each_other_and_are_kept() -> None:
    """Pages are re-pointed, and none of them is deleted if no key says that two conflict."""
    change(NOTE + ONCE + PAGE + "ALTER TABLE note ADD first_id bigint; CREATE INDEX ON note (first_id)")
    change("ALTER TABLE page ADD FOREIGN KEY (note_id) REFERENCES note")
    change("ALTER TABLE note ADD FOREIGN KEY (first_id) REFERENCES page")
    note = table()
    page = child_of(note)
    below = (Child(child_of(page, "note", "first", null=True), "first", detached=True),)
    notes = entry(note, rule=Combine(KeepTarget()), children=(Child(page, "note", children=below),))
    assert found(notes) == []
    change("CREATE UNIQUE INDEX ON page (note_id)")
    assert ids(found(notes)) == ["transfers.E103"]


def test_a_circle_by_the_foreign_key_of_a_partition() -> None:
    change("""
        CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint, first_id bigint) PARTITION BY RANGE (id);
        CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (1) TO (9);
        CREATE INDEX ON note (user_id); CREATE INDEX ON note (first_id);
    """)
    change(PAGE + "ALTER TABLE page ADD FOREIGN KEY (note_id) REFERENCES note")
    change("ALTER TABLE note_1 ADD FOREIGN KEY (first_id) REFERENCES page ON DELETE SET NULL")
    note = table()
    page = child_of(note)
    first = Child(child_of(page, "note_1", "first", null=True), "first", detached=True)
    notes = entry(note, rule=Overwrite(), children=(Child(page, "note", children=(first,)),))
    error = only(errors(notes))
    assert (error.id, "is in the way (ON DELETE SET NULL)" in error.msg) == ("transfers.E103", True)


# --- Composite foreign keys ------------------------------------------------------------------------------------------

COMPOSITE = """
ALTER TABLE note ADD UNIQUE (day, id);
ALTER TABLE page ADD day date NOT NULL;
ALTER TABLE page ADD CONSTRAINT of_day FOREIGN KEY (day, note_id) REFERENCES note (day, id) ON DELETE CASCADE;
"""


def test_a_composite_foreign_key_is_declared_by_the_column_that_identifies_the_parent() -> None:
    change(NOTE + PAGE + COMPOSITE)
    note = table()
    assert errors(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))) == []
    assert "page (day, note_id) references" in only(errors(entry(note, rule=Overwrite()))).msg


def test_a_composite_foreign_key_without_a_column_that_identifies_the_parent() -> None:
    """As to the lines of an order, which are numbered within it."""
    change("CREATE TABLE note (user_id bigint, number int, PRIMARY KEY (user_id, number))")
    change("CREATE TABLE page (id bigint PRIMARY KEY, user_id bigint, number int)")
    change("ALTER TABLE page ADD FOREIGN KEY (user_id, number) REFERENCES note")
    note = table(number=models.IntegerField(primary_key=True), user=to_user())
    stays = {"public.page.user_id": "It is that of the note."}
    error = only(
        [one for one in errors(entry(note, rule=Overwrite()), stays=stays) if one.id == "transfers.E103"]
    )
    assert "Let a foreign key of page reference note by a column that alone identifies a row" in str(
        error.hint
    )
    assert "Child(" not in str(error.hint)
    change("ALTER TABLE note ADD id bigint GENERATED ALWAYS AS IDENTITY UNIQUE")
    change("ALTER TABLE page ADD note_id bigint NOT NULL REFERENCES note (id), DROP number, DROP user_id")
    change("CREATE INDEX ON page (note_id)")
    note = table(
        id=models.BigIntegerField(unique=True), number=models.IntegerField(primary_key=True), user=to_user()
    )
    page = table("page", note=models.ForeignKey(note, models.DO_NOTHING, to_field="id", related_name="+"))
    notes = entry(note, rule=Overwrite(), children=(Child(page, "note"),))
    assert "transfers.E103" not in ids(errors(notes, stays={}))


def test_a_composite_foreign_key_beside_one_of_a_single_column() -> None:
    """A row without a day references nothing, or a person by another foreign key: an often used trick."""
    change(NOTE + PAGE + COMPOSITE + "ALTER TABLE page ALTER day DROP NOT NULL")
    note = table()
    notes = entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))
    assert errors(notes) == []
    change("ALTER TABLE page ADD CONSTRAINT alone FOREIGN KEY (note_id) REFERENCES note NOT VALID")
    error = only(errors(notes))
    assert "rows may refer to one by it whatever their day" in error.msg
    change("ALTER TABLE page VALIDATE CONSTRAINT alone")
    assert errors(notes) == []
    change("ALTER TABLE page DROP CONSTRAINT alone, ADD COLUMN title text")
    change("ALTER TABLE note ADD UNIQUE (id, title)")
    change("ALTER TABLE page ADD CONSTRAINT alone FOREIGN KEY (note_id, title) REFERENCES note (id, title)")
    error = only(errors(notes))
    assert "whatever their" in error.msg
    paste(error.hint)
    assert errors(notes) == []


def test_a_composite_foreign_key_of_each_partition() -> None:
    """A row without a day references nothing, but for the whole table, only the number would count."""
    change(NOTE + "ALTER TABLE note ADD UNIQUE (day, id)")
    change("CREATE TABLE page (id bigint, note_id bigint, day date) PARTITION BY LIST (id)")
    change("CREATE TABLE page_1 PARTITION OF page DEFAULT; CREATE INDEX ON page (note_id)")
    change("ALTER TABLE page_1 ADD FOREIGN KEY (day, note_id) REFERENCES note (day, id)")
    note = table()
    notes = entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))
    error = only(errors(notes))
    assert "page as a whole has no such foreign key" in error.msg
    paste(error.hint)
    assert errors(notes) == []
    change("DROP TABLE page_1; CREATE TABLE page_2 PARTITION OF page DEFAULT")
    change(PAGE.replace("page", "page_1"))
    of_part = entry(note, rule=Overwrite(), children=(Child(child_of(note, "page_2"), "note"),))
    assert "page (day, note_id) references" in only(errors(of_part)).msg


def test_a_composite_foreign_key_of_rows_to_detach_that_must_be_empty_as_a_whole() -> None:
    change(NOTE + PAGE + COMPOSITE + "ALTER TABLE page ALTER note_id DROP NOT NULL")
    change("ALTER TABLE page DROP CONSTRAINT of_day")
    change("ALTER TABLE page ADD FOREIGN KEY (day, note_id) REFERENCES note (day, id) MATCH FULL")
    note = table()
    page = child_of(note, null=True)
    detached = entry(note, rule=Overwrite(), children=(Child(page, "note", detached=True),))
    assert "it is MATCH FULL, so note_id cannot be emptied alone" in only(errors(detached)).msg


# --- Tables that reference themselves --------------------------------------------------------------------------------


def tree(rule: Rule) -> DataType:
    note = table(user=to_user(), parent=models.ForeignKey("self", models.DO_NOTHING, db_column="parent_id"))
    return entry(note, rule=rule, children=(Child(note, "parent"),))


def test_a_tree_that_only_the_database_knows() -> None:
    change(NOTE + refers("note", "parent_id", action="ON DELETE CASCADE"))
    error = only(errors(entry(table(), rule=Overwrite())))
    assert error.id == "transfers.E103"
    assert "note (parent_id) references (foreign key note_parent_id, ON DELETE CASCADE)" in error.msg


@pytest.mark.parametrize("action", ["NO ACTION", "CASCADE", "SET NULL"])
def test_an_overwritten_tree_is_refused(action: str) -> None:
    """Its rows are below each other: one that is moved or replaced would be discarded as a row below another."""
    change(
        NOTE + "CREATE INDEX ON note (parent_id);" + refers("note", "parent_id", action=f"ON DELETE {action}")
    )
    notes = tree(Overwrite())
    error = only(errors(notes))
    assert (error.id, "could be discarded, as a row below another" in error.msg) == ("transfers.E115", True)
    undeclared = only(errors(replace(notes, children=())))
    assert str(undeclared.hint) in str(error.hint), "declaring it would be refused as well"
    detached = Child(notes.model, "parent", detached=True)
    assert errors(replace(notes, children=(detached,))) == []


def test_a_combined_tree_is_refused() -> None:
    change(NOTE + ONCE + "CREATE INDEX ON note (parent_id);" + refers("note", "parent_id"))
    combined = tree(Combine(KeepTarget()))
    error = only(errors(combined))
    assert (error.id, "could become its own parent" in error.msg) == ("transfers.E115", True)
    undeclared = only(errors(entry(combined.model, rule=Combine(KeepTarget()))))
    assert undeclared.id == "transfers.E103"
    assert str(undeclared.hint) in str(error.hint), "declaring it would be refused as well"
    assert errors(entry(combined.model, rule=Combine(Rename("day")))) == []


# --- Types that cover the same rows ----------------------------------------------------------------------------------


def test_a_child_that_is_also_a_data_type() -> None:
    change(NOTE + PAGE + "ALTER TABLE page ADD user_id bigint; CREATE INDEX ON page (user_id);")
    note = table()
    page = table("page", note=models.ForeignKey(note, models.DO_NOTHING), user=to_user())
    notes, pages = entry(note, rule=Overwrite(), children=(Child(page, "note"),)), entry(page)
    error = only(errors(notes, pages))
    assert (error.id, "page is a child of Notes and a data type" in error.msg) == ("transfers.E114", True)
    assert errors(notes) == []


def test_two_models_of_one_table() -> None:
    change(NOTE)
    error = only(errors(entry(table()), entry(table('"public"."note"'))))
    assert (error.id, "both change the rows of note" in error.msg) == ("transfers.E114", True)


# --- Changes of an owner that the database follows -------------------------------------------------------------------


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_foreign_key_that_follows_an_owner(action: str) -> None:
    change(NOTE + PAGE + "ALTER TABLE note ADD UNIQUE (user_id, id); ALTER TABLE page ADD of_user bigint;")
    key = "ALTER TABLE page ADD CONSTRAINT page_key FOREIGN KEY (of_user, note_id) REFERENCES note (user_id, id)"
    change(key)
    notes = entry(table(), rule=Combine(KeepTarget()))
    assert errors(notes) == []
    change(f"ALTER TABLE page DROP CONSTRAINT page_key; {key} ON UPDATE {action}")
    error = only(errors(notes))
    assert error.id == "transfers.E111"
    assert f"note.user_id, and the foreign key page_key of page is ON UPDATE {action}" in error.msg
    paste(error.hint)
    assert errors(notes) == []


NO_ACTION = "transfers.W107"


@pytest.mark.parametrize(
    ("both_move", "options", "expected"),
    [
        (False, "", [NO_ACTION]),
        (False, "ON UPDATE RESTRICT", [NO_ACTION]),
        (False, "DEFERRABLE INITIALLY DEFERRED", [NO_ACTION]),
        (True, "DEFERRABLE", [NO_ACTION]),
        (True, "DEFERRABLE INITIALLY DEFERRED", []),
    ],
)
def test_a_foreign_key_to_an_owner(both_move: bool, options: str, expected: list[str]) -> None:
    change(NOTE + PAGE + "ALTER TABLE note ADD UNIQUE (id, user_id); ALTER TABLE page ADD user_id bigint;")
    change("CREATE INDEX ON page (user_id)")
    change(
        f"ALTER TABLE page ADD CONSTRAINT k FOREIGN KEY (note_id, user_id) REFERENCES note (id, user_id) {options}"
    )
    entries = [entry(table()), *[entry(table("page"))] * both_move]
    warnings = found(*entries)
    assert ids(warnings) == expected
    for warning in warnings:
        assert "changes note.user_id, to which page (user_id) refers" in warning.msg
        paste(warning.hint)
    assert found(*entries) == []


def test_a_foreign_key_of_a_profile_to_an_owner() -> None:
    """The profile of the source stays, also if the database checks its foreign key later."""
    change(NOTE + "ALTER TABLE note ADD UNIQUE (id, user_id)")
    change(
        "CREATE TABLE preference (id bigint PRIMARY KEY, user_id bigint UNIQUE, first_note bigint, FOREIGN KEY"
        " (first_note, user_id) REFERENCES note (id, user_id) DEFERRABLE INITIALLY DEFERRED)"
    )
    first_note = {"first_note": models.BigIntegerField(null=True)}
    preference = entry(
        table("preference", user=to_user(), **first_note), rule=Profile({"first_note": FillBlank()})
    )
    [warning] = [one for one in found(entry(table()), preference) if one.id == NO_ACTION]
    assert "to which preference (user_id) refers" in warning.msg
    assert "DEFERRED" not in str(warning.hint)


def test_a_foreign_key_to_an_owner_that_is_cleared() -> None:
    """The row of the second user loses it, the rows that refer to it do not."""
    change(NOTE + "ALTER TABLE note ADD second_id bigint, ADD UNIQUE (id, second_id)")
    change("CREATE INDEX ON note (second_id)")
    change("ALTER TABLE note ADD FOREIGN KEY (parent_id, second_id) REFERENCES note (id, second_id)")
    notes = table(user=to_user(), second=to_user(null=True))
    owners = Column("user"), Column("second")
    assert ids(found(entry(notes, *owners))) == []
    assert ids(found(entry(notes, *owners, self_edges="clear"))) == [NO_ACTION]


@pytest.mark.parametrize(
    ("child", "expected"), [({"goes_with_parent": True}, []), ({"detached": True}, [NO_ACTION])]
)
def test_a_foreign_key_to_a_reference_that_only_goes_with_its_parent(
    child: dict[str, bool], expected: list[str]
) -> None:
    """Pages that are deleted with their note keep their number until then, so lines may refer to it."""
    change(NOTE + PAGE + "ALTER TABLE page ALTER note_id DROP NOT NULL, ADD UNIQUE (note_id)")
    change(
        "ALTER TABLE note ADD UNIQUE (user_id, title); ALTER TABLE page ADD FOREIGN KEY (note_id) REFERENCES note"
    )
    change("CREATE TABLE line (id bigint PRIMARY KEY, page_note bigint REFERENCES page (note_id))")
    note = table()
    page = child_of(note)
    line = child_of(page, "line", "page", db_column="page_note", to_field="note", unique=False)
    declared = Child(
        page, "note", **child, children=() if "detached" in child else (Child(line, "page", **child),)
    )
    warned = [
        one
        for one in ids(found(entry(note, rule=Combine(KeepTarget()), children=(declared,))))
        if one == NO_ACTION
    ]
    assert warned == expected


def test_a_generated_reference_cannot_be_emptied() -> None:
    change(NOTE + "CREATE TABLE page (id bigint PRIMARY KEY, place integer)")
    change("ALTER TABLE page ADD note_id bigint GENERATED ALWAYS AS (place / 10) STORED REFERENCES note")
    error = only(errors(entry(table(), rule=Overwrite())))
    assert error.id == "transfers.E103"
    assert "detached=True" not in str(error.hint)


def test_a_foreign_key_to_a_column_generated_from_an_owner() -> None:
    change(NOTE + PAGE + "ALTER TABLE page ADD code text")
    change("ALTER TABLE note ADD code text GENERATED ALWAYS AS ('n' || user_id || '/' || id) STORED UNIQUE")
    key = "ALTER TABLE page ADD FOREIGN KEY (code) REFERENCES note (code)"
    change(key)
    [warning] = [one for one in found(entry(table())) if one.id == NO_ACTION]
    assert "changes note.user_id, to which page (code) refers" in warning.msg
    change(f"ALTER TABLE page DROP CONSTRAINT page_code_fkey; {key} ON UPDATE CASCADE")
    assert "transfers.E111" in ids(found(entry(table())))


@pytest.mark.parametrize(("action", "expected"), [("NO ACTION", []), ("RESTRICT", [NO_ACTION])])
def test_a_tree_of_one_owner(action: str, expected: list[str]) -> None:
    """A statement moves the rows of a tree together."""
    change(NOTE + "ALTER TABLE note ADD UNIQUE (id, user_id)")
    key = f"FOREIGN KEY (parent_id, user_id) REFERENCES note (id, user_id) ON UPDATE {action}"
    change(f"ALTER TABLE note ADD {key}")
    assert ids(found(entry(table()))) == expected


# --- References to users ---------------------------------------------------------------------------------------------


def test_a_table_without_a_model_references_users() -> None:
    change('CREATE TABLE "Diary entry" (id bigint PRIMARY KEY, "Author_id" bigint REFERENCES accounts_user)')
    error = only(errors())
    assert error.id == "transfers.E003"
    assert error.msg.startswith(
        "Diary entry.Author_id references a user (foreign key Diary entry_Author_id_fkey)"
    )
    lines = str(error.hint)
    assert 'author = models.ForeignKey("accounts.User",' in lines
    assert 'db_column="Author_id"' in lines
    assert "db_table = 'Diary entry'" in lines
    assert "class DiaryEntry(models.Model):" in lines
    assert '"public.Diary entry.Author_id": "the reason",' in lines


def test_two_foreign_keys_of_a_table_are_declared_together() -> None:
    change(
        "CREATE TABLE diary (by_id bigint REFERENCES accounts_user, of_id bigint REFERENCES accounts_user)"
    )
    first, second = errors()
    assert '(Column("by"), Column("of"),)' in str(first.hint)
    assert second.hint == "See diary.by_id."


def test_a_foreign_key_to_an_attribute_of_users() -> None:
    key = "(tenant_id, employee_id)"
    change(f"ALTER TABLE accounts_user ADD UNIQUE {key}")
    change(
        "CREATE TABLE diary (tenant_id bigint, who varchar,"
        f" FOREIGN KEY (tenant_id, who) REFERENCES accounts_user {key})"
    )
    error = only(errors())
    assert error.msg.startswith("diary.who references a user")
    assert 'Column("who", holds="employee_id", tenant="tenant")' in str(error.hint)
    assert 'who = models.TextField(db_column="who"' in str(error.hint)


def test_a_foreign_key_from_a_partition_and_an_heir() -> None:
    change("CREATE TABLE diary (id bigint, by_id bigint) PARTITION BY RANGE (id)")
    change("CREATE TABLE diary_1 PARTITION OF diary FOR VALUES FROM (1) TO (9)")
    change("ALTER TABLE diary_1 ADD FOREIGN KEY (by_id) REFERENCES accounts_user NOT VALID")
    change("CREATE TABLE old (by_id bigint); CREATE TABLE older () INHERITS (old)")
    change("ALTER TABLE older ADD FOREIGN KEY (by_id) REFERENCES accounts_user DEFERRABLE")
    assert {error.msg.split()[0] for error in errors()} == {"diary_1.by_id", "older.by_id"}


def test_a_table_without_a_model_in_another_schema() -> None:
    change("CREATE SCHEMA archive")
    change("CREATE TABLE archive.ccr (agent_id bigint REFERENCES accounts_user)")
    error = only(errors())
    assert (error.id, "archive.ccr.agent_id references" in error.msg) == ("transfers.E003", True)
    assert errors(stays={"archive.ccr.agent_id": "not ours"}) == []


def test_a_listed_name_that_is_nowhere() -> None:
    stays = {
        "quality.note.user": "gone",
        "archive.ccr.agent_id": "gone",
        "archive.ccr.v2.agent": "gone",
        "quality.ccr.agent": "a model has it",
    }
    names = {message.msg.split()[2] for message in found(stays=stays) if message.id == "transfers.W001"}
    assert names == {"quality.note.user,", "archive.ccr.agent_id,", "archive.ccr.v2.agent,"}


def test_a_model_that_holds_the_foreign_key_as_a_number() -> None:
    change(NOTE + "ALTER TABLE note ADD FOREIGN KEY (user_id) REFERENCES accounts_user;")
    change("ALTER TABLE note ADD by_id bigint REFERENCES accounts_user; CREATE INDEX ON note (by_id)")
    note = table(
        user=models.BigIntegerField(db_column="user_id"), by=models.BigIntegerField(db_column="by_id")
    )
    error = only(errors(entry(note)))
    assert (error.id, "note.by_id references a user" in error.msg) == ("transfers.E003", True)
    assert "add to the owners of the DataType 'Notes':\n    Column(\"by\")," in str(error.hint)
    assert errors(entry(note, Column("user"), Column("by"))) == []
    assert errors(entry(note), stays={"quality.note.by": "the author of a note"}) == []
