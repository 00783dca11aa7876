"""Rows that refer to deleted rows, and of which some are deleted by the same transfer."""

from dataclasses import replace

import pytest

from tests.apps.smallapp import models as small
from tests.transfers.rules.featured import change, model_of, put, run, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from transfers.rules import Child, Combine, KeepSource, KeepTarget, Overwrite, Rule

RULES: list[Rule] = [Combine(KeepTarget()), Combine(KeepSource()), Overwrite()]

# A paper belongs to a record, and maybe to one of its notes.
PAPERS = """
CREATE TABLE note (id bigint PRIMARY KEY, keyed_id bigint NOT NULL REFERENCES smallapp_keyed);
CREATE TABLE paper (id bigint PRIMARY KEY, note_id bigint REFERENCES note ON DELETE {},
    keyed_id bigint REFERENCES smallapp_keyed);
"""


@pytest.mark.parametrize("action", ["SET NULL", "NO ACTION"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("first", ["note", "paper"])
def test_rows_that_refer_are_deleted_first(people: People, rule: Rule, action: str, first: str) -> None:
    change(PAPERS.format(action))
    keyed = put(people, "smallapp_keyed", ("S", 1), ("T", 1), ("S", 2), ("X", 1), columns="owner k")
    change("""
        INSERT INTO note VALUES (1, 1), (2, 2), (3, 3), (4, 4);
        INSERT INTO paper VALUES (1, 1, 1), (2, 2, 2), (3, 1, 2), (4, 2, 1), (5, 1, 4), (6, 2, 4), (7, 3, 3);
    """)
    note = model_of("note", keyed=to(small.Keyed))
    paper = model_of("paper", note=to(note, null=True), keyed=to(small.Keyed, null=True))
    children = [
        Child(note, "keyed", goes_with_parent=True, children=(Child(paper, "note", detached=True),)),
        Child(paper, "keyed", goes_with_parent=True),
    ]
    entry = replace(keyed, rule=rule, children=tuple(children if first == "note" else reversed(children)))
    before = rows_as_text([entry])
    ran = run(people, entry)
    assert (ran.counts[0][entry.key]["children"], ran.counts[0][entry.key]["detached"]) == (3, 2)
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before


def test_rows_of_a_partition_that_refer_are_deleted_first(people: People) -> None:
    """The table of the deleted rows is the partitioned one, but only this partition has the foreign key."""
    change("""
        CREATE TABLE note (id bigint PRIMARY KEY, keyed_id bigint NOT NULL REFERENCES smallapp_keyed);
        CREATE TABLE paper (id bigint PRIMARY KEY, note_id bigint, keyed_id bigint REFERENCES smallapp_keyed)
            PARTITION BY RANGE (id);
        CREATE TABLE paper_1 PARTITION OF paper FOR VALUES FROM (1) TO (100);
        CREATE TABLE paper_2 PARTITION OF paper DEFAULT;
        ALTER TABLE paper_1 ADD FOREIGN KEY (note_id) REFERENCES note;
    """)
    keyed = put(people, "smallapp_keyed", ("S", 1), ("T", 1), columns="owner k")
    change(
        "INSERT INTO note VALUES (1, 1), (2, 2); INSERT INTO paper VALUES (1, 1, 1), (2, 1, 2), (101, 1, 2)"
    )
    note = model_of("note", keyed=to(small.Keyed))
    of_note = model_of("paper_1", note=to(note, null=True))
    paper = model_of("paper", keyed=to(small.Keyed, null=True))
    children = (
        Child(note, "keyed", goes_with_parent=True, children=(Child(of_note, "note", detached=True),)),
        Child(paper, "keyed", goes_with_parent=True),
    )
    entry = replace(keyed, rule=Combine(KeepTarget()), children=children)
    before = rows_as_text([entry])
    ran = run(people, entry)
    assert (ran.counts[0][entry.key]["children"], ran.counts[0][entry.key]["detached"]) == (2, 1)
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before


# Each record has notes, one of which is the current one.
CIRCLE = """
CREATE TABLE note (id bigint PRIMARY KEY, keyed_id bigint NOT NULL REFERENCES smallapp_keyed);
ALTER TABLE smallapp_keyed ADD current_id bigint REFERENCES note DEFERRABLE INITIALLY DEFERRED;
"""


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("goes", [False, True])
def test_rows_that_refer_to_each_other(people: People, rule: Rule, goes: bool) -> None:
    """The foreign key that closes the circle is checked when all are deleted, and by an undo when all are there."""
    keyed = put(people, "smallapp_keyed", ("S", 1), ("T", 1), ("S", 2), ("X", 1), columns="owner k")
    change(CIRCLE)
    change("""
        INSERT INTO note VALUES (1, 1), (2, 2), (3, 3), (4, 4);
        UPDATE smallapp_keyed SET current_id = CASE id WHEN 4 THEN 1 ELSE id END;
    """)
    note = model_of("note", keyed=to(small.Keyed))
    of_note = model_of("smallapp_keyed", current=to(note, null=True))
    below = (Child(of_note, "current", detached=True),)
    entry = replace(keyed, rule=rule, children=(Child(note, "keyed", goes_with_parent=goes, children=below),))
    before = rows_as_text([entry])
    ran = run(people, entry)
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before
