"""Children by a foreign key of several columns: only the rows that refer by all of them are the children of a row."""

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, model_of, run, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.stage import compile_plans
from transfers.rules import Child, Column, Combine, DataType, KeepSource, KeepTarget, Overwrite, Rule

# A file of a case in several versions, of which each month has its own number 1.
FILES = """
CREATE TABLE file (id bigint, month integer NOT NULL, owner_id bigint, name text, PRIMARY KEY (id, month),
    UNIQUE (owner_id, name, month))
    PARTITION BY LIST (month);
CREATE TABLE file_1 (name text, gone text, owner_id bigint, month integer NOT NULL, id bigint NOT NULL);
ALTER TABLE file_1 DROP gone;
ALTER TABLE file ATTACH PARTITION file_1 FOR VALUES IN (1);
CREATE TABLE file_2 PARTITION OF file DEFAULT PARTITION BY LIST (month);
CREATE TABLE file_2_2 PARTITION OF file_2 DEFAULT;
CREATE INDEX ON file (owner_id);
"""
PAGES = """
CREATE TABLE page (number bigint, file_month integer, file_id bigint, text text, PRIMARY KEY (number){once},
    CONSTRAINT of_file FOREIGN KEY (file_month, file_id) REFERENCES file (month, id));
CREATE INDEX ON page (file_id);
CREATE TABLE word (id bigint PRIMARY KEY, page_id bigint REFERENCES page (number), word text);
CREATE INDEX ON word (page_id);
"""
PAGE_ONCE = ", UNIQUE (file_id, file_month, text)"


def files(rule: Rule, **facts: bool) -> DataType:
    file = model_of("file", month=models.IntegerField(), owner=to(User), name=models.TextField())
    page = model_of(
        "page", number=models.BigIntegerField(primary_key=True), file_month=models.IntegerField(null=True),
        file=to(file, null=True), text=models.TextField(),
    )  # fmt: skip
    word = model_of("word", page=to(page), word=models.TextField())
    below = () if facts.get("detached") else (Child(word, "page"),)
    children = (Child(page, "file", children=below, **facts),)
    return DataType("Files", file, (Column("owner"),), rule, "Files.", children=children)


def fill(people: People) -> None:
    """The source's and the target's files 1 of month 1 and 2, and those of a stranger with the same numbers."""
    rows = [
        (1, 1, "S", "a"),
        (2, 1, "T", "a"),
        (1, 2, "X", "a"),
        (2, 2, "X", "b"),
        (3, 2, "S", "b"),
        (3, 1, "U", "c"),
    ]
    for number, month, letter, name in rows:
        change(f"INSERT INTO file VALUES ({number}, {month}, {people[letter].pk}, '{name}')")
    pages = [
        (1, 1, "x"),
        (1, 2, "x"),
        (1, 1, "y"),
        (2, 1, "x"),
        (2, 2, "x"),
        (3, 2, "z"),
        (3, 1, "z"),
        (1, None, "x"),
    ]
    for number, (file, month, text) in enumerate(pages, 1):
        change(f"INSERT INTO page VALUES ({number}, {month or 'NULL'}, {file}, '{text}')")
        change(f"INSERT INTO word VALUES ({number}, {number}, 'w')")


def pages_of(ran: running.Ran) -> dict[int, tuple[int | None, int | None]]:
    return {row["number"]: (row["file_id"], row["file_month"]) for row in ran.world["page"]}


@pytest.mark.parametrize(
    ("rule", "changed", "gone"),
    [
        (Overwrite(), {}, {4}),
        (Combine(KeepTarget()), {3: (2, 1)}, {1}),
        (Combine(KeepSource()), {}, {4}),
    ],
)
def test_children_of_a_partitioned_table_are_those_of_the_same_part(
    people: People, rule: Rule, changed: dict[int, tuple[int, int]], gone: set[int]
) -> None:
    """Strangers have files of the same numbers in other months, and a page without a month is of no file."""
    change(FILES + PAGES.format(once=PAGE_ONCE))
    entry = files(rule)
    fill(people)
    before = rows_as_text([entry])
    first = {
        row["number"]: (row["file_id"], row["file_month"])
        for row in running.world_of_records([entry])["page"]
    }
    ran = run(people, entry)
    assert pages_of(ran) == {number: of for number, of in (first | changed).items() if number not in gone}
    assert {row["page_id"] for row in ran.world["word"]} == first.keys() - gone | (
        {4} if 1 in gone else set()
    )
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before


@pytest.mark.parametrize("rule", [Overwrite(), Combine(KeepTarget()), Combine(KeepSource())])
def test_rows_to_detach_are_those_of_the_same_part(people: People, rule: Rule) -> None:
    change(FILES + PAGES.format(once=""))
    entry = files(rule, detached=True)
    fill(people)
    before = rows_as_text([entry])
    ran = run(people, entry)
    lost = (1, 1) if rule == Combine(KeepTarget()) else (2, 1)
    of = {1: (1, 1), 2: (1, 2), 3: (1, 1), 4: (2, 1), 5: (2, 2), 6: (3, 2), 7: (3, 1), 8: (1, None)}
    assert pages_of(ran) == {number: (None, one[1]) if one == lost else one for number, one in of.items()}
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before


@pytest.mark.parametrize(
    ("key", "is_refused"),
    [
        ("UNIQUE (owner_id, name, month)", False),
        ("UNIQUE (owner_id, name)", True),
        ("EXCLUDE USING gist (owner_id WITH =, month WITH <>)", True),
    ],
)
def test_a_row_that_is_kept_with_another_value_beside_its_number(
    people: People, key: str, *, is_refused: bool
) -> None:
    """A page would be re-pointed to a file of its own month with the number of the one that is kept."""
    change(f"""
        CREATE EXTENSION IF NOT EXISTS btree_gist;
        CREATE TABLE file (id bigint, month integer, owner_id bigint, name text, PRIMARY KEY (month, id), {key});
    """)
    change(PAGES.format(once=""))
    with running.only(files(Combine(KeepTarget()), goes_with_parent=True)):
        compile_plans()
    with running.only(files(Combine(KeepTarget()))):
        if not is_refused:
            compile_plans()
            return
        with pytest.raises(CannotCompile, match="month of file, which they reference too") as refused:
            compile_plans()
    assert 'Child(Page, "file", goes_with_parent=True)' in refused.value.hint


@pytest.mark.parametrize("key", ["PRIMARY KEY (id, owner_id)", "PRIMARY KEY (id), UNIQUE (id, owner_id)"])
def test_children_that_refer_to_the_owner_too(people: People, key: str) -> None:
    """They would keep the source in their reference to a file that the target has."""
    change(f"CREATE TABLE file (id bigint, owner_id bigint, name text, {key}, UNIQUE (owner_id, name))")
    change("CREATE TABLE page (number bigint PRIMARY KEY, file_id bigint, file_owner bigint)")
    change("ALTER TABLE page ADD FOREIGN KEY (file_id, file_owner) REFERENCES file (id, owner_id)")
    file = model_of("file", owner=to(User), name=models.TextField())
    children = (
        Child(model_of("page", number=models.BigIntegerField(primary_key=True), file=to(file)), "file"),
    )
    entry = DataType("Files", file, (Column("owner"),), Overwrite(), "Files.", children=children)
    with (
        running.only(entry),
        pytest.raises(CannotCompile, match="owner_id of file, which a transfer changes"),
    ):
        compile_plans()


def test_a_row_without_one_of_the_columns_is_no_child(people: People) -> None:
    """The number alone identifies a file, but a page without a month refers to none."""
    change("""
        CREATE TABLE file (id bigint PRIMARY KEY, month integer, owner_id bigint UNIQUE, name text, UNIQUE (month, id));
    """)
    change(PAGES.format(once=""))
    entry = files(Overwrite())
    for number, letter in enumerate("ST", 1):
        change(f"INSERT INTO file VALUES ({number}, 1, {people[letter].pk}, 'a')")
    change("INSERT INTO page VALUES (1, 1, 1), (2, 1, 2), (3, NULL, 2)")
    before = rows_as_text([entry])
    ran = run(people, entry)
    assert pages_of(ran) == {1: (1, 1), 3: (2, None)}
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before
    change("ALTER TABLE page ADD FOREIGN KEY (file_id) REFERENCES file (id)")
    assert pages_of(run(people, entry)) == {1: (1, 1)}


@pytest.mark.parametrize(("rule", "goes"), [(Overwrite(), False), (Combine(KeepTarget()), True)])
def test_children_that_are_known_by_their_parents(people: People, rule: Rule, *, goes: bool) -> None:
    """No page gets another file, so the words keep their page, whose key holds that of the file."""
    change("""
        CREATE TABLE file (id bigint PRIMARY KEY, owner_id bigint UNIQUE);
        CREATE TABLE page (file_id bigint REFERENCES file, number bigint, PRIMARY KEY (file_id, number));
        CREATE TABLE word (id bigint PRIMARY KEY, file_id bigint, page bigint,
            FOREIGN KEY (file_id, page) REFERENCES page (file_id, number));
    """)
    file = model_of("file", owner=to(User))
    page = model_of("page", number=models.BigIntegerField(primary_key=True), file=to(file))
    word = model_of("word", page=to(page, db_column="page"))
    below = (Child(word, "page", goes_with_parent=goes),)
    children = (Child(page, "file", goes_with_parent=goes, children=below),)
    entry = DataType("Files", file, (Column("owner"),), rule, "Files.", children=children)
    for number, letter in enumerate("ST", start=1):
        change(
            f"INSERT INTO file VALUES ({number}, {people[letter].pk}); INSERT INTO page VALUES ({number}, 1)"
        )
        change(f"INSERT INTO word VALUES ({number}, {number}, 1)")
    before = rows_as_text([entry])
    ran = run(people, entry)
    assert [row["id"] for row in ran.world["word"]] == [1 if entry.overwrites else 2]
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before
