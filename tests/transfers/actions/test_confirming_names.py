"""Confirming that a row means the user whose ID is in it, although its name is another."""

import io

import pytest

from audit.models import AuditEvent
from tests.fixtures.cast import Cast, agent
from transfers import actions
from transfers.models import Transfer

CODE = "name-of-another-user"


@pytest.fixture
def missorted(cast: Cast) -> Transfer:
    """A preview of four rows whose names were sorted apart from their IDs."""
    people = [agent(cast.support, name) for name in ("Ada One", "Bea Two", "Cid Three", "Dan Four")]
    targets = [agent(cast.support, f"Target Number{n}") for n in range(4)]
    names = [user.name.replace(" ", ",") for user in reversed(people)]
    rows = zip(people, targets, names, strict=True)
    lines = [f"{source.pk},{target.pk},{name}" for source, target, name in rows]
    file = "\n".join(["From User ID,To User ID,First Name,Last Name", *lines]).encode()
    return actions.upload(by=cast.ada, file_name="people.csv", stream=io.BytesIO(file))


def misfits(draft: Transfer) -> list[int]:
    rows = draft.rows.filter(problems__contains=[{"code": CODE}])
    return list(rows.values_list("number", flat=True))


def confirm(cast: Cast, draft: Transfer, number: int, user_id: int | None = None) -> bool:
    meant = draft.rows.get(number=number).from_id if user_id is None else user_id
    assert meant
    return actions.confirm_name(by=cast.ada, transfer=draft, number=number, user_id=meant)


def test_each_row_is_confirmed_by_itself(cast: Cast, missorted: Transfer) -> None:
    assert misfits(missorted) == [2, 3, 4, 5]
    missorted.refresh_from_db()
    assert [problem["code"] for problem in missorted.file_summary["problems"]] == ["one-column-sorted"]

    assert confirm(cast, missorted, 3)

    assert misfits(missorted) == [2, 4, 5]
    row = missorted.rows.get(number=3)
    assert "name-confirmed" in [problem["code"] for problem in row.problems]
    assert (row.first_name, row.last_name) == ("", "")
    event = AuditEvent.objects.get(kind="row-confirmed")
    assert (event.details["row"], event.details["name"]) == (3, "Bea Two")
    assert event.details["in_file"] == "Cid Three"


def test_it_stays_until_the_user_of_the_row_changes(cast: Cast, missorted: Transfer) -> None:
    confirm(cast, missorted, 3)
    actions.fix_row(by=cast.ada, transfer=missorted, number=3, to_text=str(cast.di.pk))
    actions.swap_direction(by=cast.ada, transfer=missorted)
    actions.swap_direction(by=cast.ada, transfer=missorted)
    actions.check_again(by=cast.ada, transfer=missorted)
    assert "name-confirmed" in [problem["code"] for problem in missorted.rows.get(number=3).problems]
    assert misfits(missorted) == [2, 4, 5]

    actions.fix_row(
        by=cast.ada, transfer=missorted, number=3, from_text=str(cast.ana.pk), to_text=str(cast.di.pk)
    )

    assert "name-confirmed" not in [problem["code"] for problem in missorted.rows.get(number=3).problems]


def test_another_user_than_the_one_in_the_row_is_not_confirmed(cast: Cast, missorted: Transfer) -> None:
    """The row may have been changed in another tab."""
    assert not confirm(cast, missorted, 3, cast.ana.pk)
    assert not confirm(cast, missorted, 3, cast.frida.pk)
    assert misfits(missorted) == [2, 3, 4, 5]
    confirm(cast, missorted, 3)
    assert not confirm(cast, missorted, 3)
    assert AuditEvent.objects.filter(kind="row-confirmed").count() == 1
