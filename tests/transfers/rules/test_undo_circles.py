"""An undo closes no circle in a table that refers to itself, when people have put a folder below one of its own."""

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import query, undo_all
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.models import PairState, UndoConflict
from transfers.rules import Child, Column, Combine, DataType, KeepTarget, Overwrite

COLUMNS = (
    "id bigint PRIMARY KEY, owner_id bigint NOT NULL, name text, parent_id bigint, area integer DEFAULT 1"
)
BY_ID = "FOREIGN KEY (parent_id) REFERENCES folder"
BY_AREA = "UNIQUE (area, id), FOREIGN KEY (area, parent_id) REFERENCES folder (area, id)"


@pytest.fixture
def folders(people: People, monkeypatch: pytest.MonkeyPatch) -> "Folders":
    return Folders(people, monkeypatch)


class Folders:
    """A tree of folders, each with its owner's letter, a name and the number of the one above."""

    def __init__(self, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
        self.people, self.monkeypatch = people, monkeypatch

    def create(
        self,
        *rows: tuple[str, str, int | None],
        rule: Combine | Overwrite | None = None,
        refers: str = BY_ID,
        detached: bool = True,
    ) -> DataType:
        unique = "" if isinstance(rule, Overwrite) else "UNIQUE (owner_id, name), "
        change(f"CREATE TABLE folder ({COLUMNS}, {unique}{refers} DEFERRABLE)")
        folder = model_of("folder", owner=to(User), parent=to("self", null=True), name=models.TextField())
        entry = DataType(
            "Folders",
            folder,
            (Column("owner"),),
            rule or Combine(KeepTarget()),
            "Folders.",
            children=(Child(folder, "parent", detached=detached),),
        )
        change("ALTER TABLE folder ALTER CONSTRAINT {} INITIALLY DEFERRED".format(*foreign_keys()))
        for number, (letter, name, parent) in enumerate(rows, 1):
            owner = self.people[letter].pk
            execute("INSERT INTO folder VALUES (%s, %s, %s, %s)", number, owner, name, parent)
        return known(entry, self.monkeypatch)

    @property
    def tree(self) -> dict[int, int | None]:
        """Return the number of the folder above each."""
        found = query("SELECT ARRAY[id, parent_id] FROM {} ORDER BY id", "folder")
        return dict(found)


def foreign_keys() -> list[str]:
    return query(
        "SELECT conname FROM {} WHERE contype = 'f' AND conrelid = 'folder'::regclass", "pg_constraint"
    )


def left() -> list[tuple[str, str]]:
    return [(row.key, row.why) for row in UndoConflict.objects.order_by("key")]


# S's folder P is dropped, because T has one of this name; D, which X had put below it, is detached.
TREE = (("X", "Q", None), ("S", "P", 1), ("X", "D", 2), ("T", "P", None))


@pytest.mark.parametrize("refers", [BY_ID, BY_AREA])
@pytest.mark.parametrize(
    ("rows", "rule"), [(TREE, None), ((*TREE[:1], ("T", "P", 1), TREE[2], ("S", "R", None)), Overwrite())]
)
def test_a_folder_that_is_below_its_own_one_by_now(
    people: People,
    folders: Folders,
    rows: tuple[tuple[str, str, int | None], ...],
    rule: Overwrite | None,
    refers: str,
) -> None:
    entry = folders.create(*rows, rule=rule, refers=refers)
    made = transferred(people, entry, people.pairs[:1])
    assert folders.tree == {1: None, 3: None, 4: None}
    execute("UPDATE folder SET parent_id = 3 WHERE id = 1")
    after = rows_as_text([entry])
    [pair] = undo_all(made)
    assert "1 record belongs to a record that is below it by now" in pair.reason
    assert rows_as_text([entry]) == after
    UndoConflict.objects.all().delete()
    [pair] = undo_all(made, leave_changed=True)
    assert (pair.state, left()) == (PairState.SUCCEEDED, [("(3)", "circle")])
    assert folders.tree == {1: 3, 2: 1, 3: None, 4: None}


def test_folders_of_which_one_is_enough_to_leave(people: People, folders: Folders) -> None:
    """Going up from Q, all others were below it: D, P, E and O. The undo detaches D only."""
    entry = folders.create(*TREE[:3], ("X", "E", None), ("S", "O", 1), ("T", "P", None), ("T", "O", None))
    execute("UPDATE folder SET parent_id = CASE id WHEN 2 THEN 4 ELSE 5 END WHERE id IN (2, 4)")
    made = transferred(people, entry, people.pairs[:1])
    execute("UPDATE folder SET parent_id = 3 WHERE id = 1")
    undo_all(made, leave_changed=True)
    assert left() == [("(3)", "circle")]
    assert folders.tree == {1: 3, 2: 4, 3: None, 4: 5, 5: 1, 6: None, 7: None}


def test_a_circle_that_was_there_before(people: People, folders: Folders) -> None:
    """Each of two folders names the other one, as some tables do with versions."""
    entry = folders.create(("S", "P", None), ("X", "D", 1), ("T", "P", None))
    execute("UPDATE folder SET parent_id = 2 WHERE id = 1")
    before = rows_as_text([entry])
    restore(transferred(people, entry, people.pairs[:1]))
    assert rows_as_text([entry]) == before


def test_folders_that_people_put_elsewhere_or_into_a_circle_of_their_own(
    people: People, folders: Folders
) -> None:
    entry = folders.create(*TREE, ("X", "F", None), ("X", "G", 5))
    made = transferred(people, entry, people.pairs[:1])
    execute("UPDATE folder SET parent_id = 6 WHERE id IN (1, 5)")
    restore(made)
    assert folders.tree == {1: 6, 2: 1, 3: 2, 4: None, 5: 6, 6: 5}
