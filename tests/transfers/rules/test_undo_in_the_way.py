"""Of two deleted records that had one key, an undo restores the one that nothing else keeps away."""

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.running import query, undo_all
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.models import UndoConflict
from transfers.rules import Column, Combine, DataType, KeepSource, KeepTarget, Policy


def duties(monkeypatch: pytest.MonkeyPatch, constraints: str, policy: Policy | None = None) -> DataType:
    change(f"""
        CREATE TABLE project (id integer PRIMARY KEY);
        INSERT INTO project VALUES (71), (72);
        CREATE TABLE duty (id integer, user_id bigint, day integer, slot integer, note text,
            project_id integer REFERENCES project, reviewer_id bigint, {constraints});
    """)
    numbers = {name: models.IntegerField() for name in ("day", "slot")}
    duty = model_of(
        "duty",
        id=models.IntegerField(primary_key=True),
        user=to(User),
        reviewer=to(User, null=True),
        **numbers,
    )
    owners = Column("user"), Column("reviewer")
    return known(DataType("Duties", duty, owners, Combine(policy or KeepSource()), "Duties."), monkeypatch)


def put_duty(
    people: People,
    number: int,
    letter: str,
    note: str,
    *,
    day: int = 1,
    slot: int | None = None,
    project: int = 71,
) -> None:
    values = number, people[letter].pk, day, slot, note, project
    execute("INSERT INTO duty VALUES (%s, %s, %s, %s, %s, %s)", *values)


def duties_of(people: People) -> list[str]:
    letters = {str(user.pk): letter for letter, user in people.users.items()}
    found = query("SELECT ARRAY[user_id::text, note] FROM {} ORDER BY note", "duty")
    return [f"{letters[user]} {note}" for user, note in found]


@pytest.mark.parametrize(
    ("edit", "left"), [("SELECT", "T second"), ("DELETE FROM project WHERE id = 72", "T first")]
)
def test_a_record_of_which_the_other_one_has_lost_its_parent(
    people: People, monkeypatch: pytest.MonkeyPatch, edit: str, left: str
) -> None:
    """T's duties of one day were replaced one after the other. The second is in the way unless its project is gone."""
    entry = duties(monkeypatch, "PRIMARY KEY (id), UNIQUE (user_id, day)")
    put_duty(people, 1, "T", "first")
    put_duty(people, 2, "S", "moved")
    made = transferred(people, entry, people.pairs[:1])
    execute("UPDATE duty SET day = 2 WHERE id = 2")
    put_duty(people, 3, "T", "second", project=72)
    put_duty(people, 4, "S", "late")
    late = transferred(people, entry, people.pairs[:1], late=True)
    change(edit)
    undo_all(made, late, leave_changed=True)
    assert duties_of(people) == sorted(["S late", "S moved", left], key=lambda one: one.split()[1])


@pytest.mark.parametrize("columns", [("day", "slot"), ("slot", "day")])
def test_a_record_of_which_the_other_one_loses_by_another_key(
    people: People, monkeypatch: pytest.MonkeyPatch, columns: tuple[str, str]
) -> None:
    """T's duties of one slot were replaced one after the other. Another one has the day of the second now."""
    one, two = columns
    entry = duties(
        monkeypatch,
        f"PRIMARY KEY (id), CONSTRAINT k1 UNIQUE (user_id, {one}), CONSTRAINT k2 UNIQUE (user_id, {two})",
    )
    put_duty(people, 1, "T", "first", day=1, slot=1)
    put_duty(people, 2, "S", "moved", day=1, slot=9)
    made = transferred(people, entry, people.pairs[:1])
    put_duty(people, 3, "T", "second", day=2, slot=1)
    put_duty(people, 4, "S", "late", day=2, slot=8)
    late = transferred(people, entry, people.pairs[:1], late=True)
    execute("UPDATE duty SET day = 3 WHERE id = 4")
    put_duty(people, 5, "T", "new", day=2, slot=7)
    [pair] = undo_all(made, late, leave_changed=True)
    assert duties_of(people) == ["T first", "S late", "S moved", "T new"]
    assert [row.key for row in UndoConflict.objects.filter(pair=pair)] == ["(3)"]


@pytest.mark.parametrize(
    "constraints", ["PRIMARY KEY (id), UNIQUE (user_id, day)", "UNIQUE (user_id, day), PRIMARY KEY (id)"]
)
@pytest.mark.parametrize("numbers", [(1, 2), (3, 4)])
def test_a_record_of_which_the_number_was_used_again(
    people: People, monkeypatch: pytest.MonkeyPatch, constraints: str, numbers: tuple[int, int]
) -> None:
    """Two late duties of S had one day, so the first of them stays deleted, and its number is that of T's again."""
    entry = duties(monkeypatch, constraints)
    put_duty(people, 1, "T", "own")
    put_duty(people, 2, "S", "moved")
    made = [transferred(people, entry, people.pairs[:1])]
    for number, note in zip(numbers, ("first late", "last late"), strict=True):
        put_duty(people, number, "S", note)
        made.append(transferred(people, entry, people.pairs[:1], late=True))
    undo_all(*made, leave_changed=True)
    assert duties_of(people) == ["S last late", "T own"]


def test_a_late_record_that_lost_to_one_of_the_same_users(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its project is gone, so it stays deleted. That does not keep the one to which it lost from going back."""
    entry = duties(monkeypatch, "PRIMARY KEY (id), UNIQUE (user_id, day)", KeepTarget())
    put_duty(people, 1, "S", "moved")
    made = transferred(people, entry, people.pairs[:1])
    put_duty(people, 2, "S", "late", project=72)
    late = transferred(people, entry, people.pairs[:1], late=True)
    assert duties_of(people) == ["T moved"]
    change("DELETE FROM project WHERE id = 72")
    [pair] = undo_all(made, late, leave_changed=True)
    assert duties_of(people) == ["S moved"]
    assert [row.why for row in UndoConflict.objects.filter(pair=pair)] == ["parent gone"]
