"""Creating drafts from the form and from files, including files with unusual contents."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.scope import visible_users
from audit.models import AuditEvent
from spreadsheets.rejection import FileRejected
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent, cache_rights, transfer
from tests.fixtures.running import confirm, run
from tests.transfers.actions.sheets import about_file, errors, events, line, row, send
from transfers import actions
from transfers.actions import drafting
from transfers.models import DraftRow, Kind, State, Transfer
from transfers.models.draft import IDENTITY_LENGTH
from transfers.planning import plan
from transfers.planning.plan import plan_of

pytestmark = pytest.mark.django_db


def single(by: User, source: User, target: User) -> Transfer:
    return actions.start_single(by=by, source_id=source.pk, target_id=target.pk)


# --- From the form ---------------------------------------------------------------------------------------------------


def test_a_single_draft_has_one_checked_row(cast: Cast) -> None:
    records.call(cast.ana)
    draft = single(cast.otto, cast.ana, cast.bo)
    assert (draft.kind, draft.state, draft.tenant, draft.requested_by) == (
        Kind.SINGLE,
        State.DRAFT,
        cast.abacus,
        cast.otto,
    )
    only = row(draft, 1)
    assert (only.from_id, only.to_id, only.status) == (cast.ana.pk, cast.bo.pk, DraftRow.Status.WARNING)
    assert only.counts == {"quality.ccr": {"source": 1, "moved": 1}}


def test_submitting_twice_makes_one_draft(cast: Cast) -> None:
    assert single(cast.otto, cast.ana, cast.bo) == single(cast.otto, cast.ana, cast.bo)
    assert Transfer.objects.count() == 1


def test_each_person_and_each_pair_has_its_own_draft(cast: Cast) -> None:
    made = [
        single(cast.otto, cast.ana, cast.bo),
        single(cast.ada, cast.ana, cast.bo),
        single(cast.otto, cast.bo, cast.ana),
    ]
    assert len({draft.pk for draft in made}) == 3


def test_a_discarded_or_confirmed_draft_is_not_reused(cast: Cast) -> None:
    first = single(cast.otto, cast.ana, cast.bo)
    actions.discard(by=cast.otto, transfer=first)
    second = single(cast.otto, cast.ana, cast.bo)
    run(confirm(second, cast.otto))
    assert len({first.pk, second.pk, single(cast.otto, cast.ana, cast.bo).pk}) == 3


# --- From a file -----------------------------------------------------------------------------------------------------


def test_an_upload_stores_the_rows_and_facts_about_the_file(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo, cast.ana), line(cast.cy, ""), "", line("x", cast.di))
    assert (draft.kind, draft.state, draft.file_name) == (Kind.BULK, State.DRAFT, "people.csv")
    assert len(draft.file_sha256) == 64
    assert {name: draft.file_summary[name] for name in ("read", "blank", "empty", "delimiter")} == {
        "read": 3,
        "blank": 1,
        "empty": 1,
        "delimiter": "comma",
    }
    assert [(stored.number, stored.from_text, stored.to_text) for stored in draft.rows.all()] == [
        (2, str(cast.ana.pk), str(cast.bo.pk)),
        (5, "x", str(cast.di.pk)),
    ]
    assert errors(draft) == {5: ["id-is-text"]}
    (event,) = events("file-uploaded")
    assert (event.transfer_number, event.actor_id, event.address) == (draft.number, cast.ada.pk, "192.0.2.7")
    assert (event.detail("rows_read"), event.detail("selected")) == (3, 2)


def test_seven_kinds_of_bad_rows_in_one_answer(cast: Cast) -> None:
    boss = agent(cast.support, "Tess Boss")
    draft = send(
        cast.otto,
        line("7000777", cast.bo),
        line(cast.ana, cast.ana),
        line(cast.eli, cast.bo),
        line(cast.cy, cast.otto),
        line("1.9E+01", cast.di),
        line("", boss),
        line(cast.di, boss, cast.ana),
    )
    # Otto is not in his own view, so his own ID is reported as unknown too.
    assert errors(draft) == {
        2: ["unknown-user", "two-sources-one-target"],
        3: ["same-user"],
        4: ["unknown-user", "two-sources-one-target"],
        5: ["unknown-user"],
        6: ["id-shortened"],
        7: ["no-from-user-id"],
        8: ["name-of-another-user"],
    }


def test_a_refused_file_leaves_an_event_and_nothing_else(cast: Cast) -> None:
    with pytest.raises(FileRejected):
        actions.upload(by=cast.ada, file_name="x.csv", stream=io.BytesIO(b"PK\x03\x04"), address="192.0.2.7")
    assert not Transfer.objects.exists()
    (event,) = AuditEvent.objects.all()
    assert (event.kind, event.actor_id, event.address) == ("file-refused", cast.ada.pk, "192.0.2.7")
    assert "zip" in event.detail("reason")


def test_a_file_above_the_row_limit_is_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafting, "MAXIMUM_ROWS", 2)
    with pytest.raises(FileRejected, match="3 users are selected"):
        send(cast.ada, *[line(cast.ana, cast.bo)] * 3)
    assert not Transfer.objects.exists()


def test_rows_in_which_a_look_up_found_nothing_do_not_count(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "MAXIMUM_ROWS", 2)
    look_ups = [line(cast.ana, "#N/A"), line(cast.bo, "0"), line(cast.cy, "#REF!")]
    draft = send(cast.ada, line(cast.ana, cast.bo), *look_ups)
    assert errors(draft) == {3: ["id-is-formula"], 4: ["id-not-positive"], 5: ["id-is-formula"]}
    monkeypatch.setattr(drafting, "MAXIMUM_FORMULA_ROWS", 2)
    with pytest.raises(FileRejected, match="3 cells of To User ID hold a formula error"):
        send(cast.ada, *look_ups)


def test_a_file_with_far_fewer_rows_than_users_has_a_note(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert about_file(send(cast.ada, line(cast.ana, cast.bo))) == [], "few users are compared with nothing"
    monkeypatch.setattr(drafting, "FEW_USERS", 3)
    draft = send(cast.ada, line(cast.ana, cast.bo))
    (note,) = draft.file_summary["notes"]
    users = visible_users(cast.ada).count()
    assert note["sentence"] == f"The file has 1 row, but your views have {users} users."
    assert about_file(send(cast.ada, *[line(cast.ana, "")] * users)) == ["none-selected", "no-users-selected"]


def test_a_row_below_the_data_has_one_error(cast: Cast) -> None:
    draft = send(cast.ada, line(cast.ana, cast.bo), "Total,63,,", "(2 rows affected)", "57")
    assert errors(draft) == {
        3: ["row-without-user"],
        4: ["row-without-user"],
        5: ["short-row", "unknown-user"],
    }
    actions.swap_direction(by=cast.ada, transfer=draft)
    assert errors(draft) == {
        3: ["row-without-user"],
        4: ["row-without-user"],
        5: ["short-row", "unknown-user"],
    }
    actions.fix_row(by=cast.ada, transfer=draft, number=3, from_text=str(cast.cy.pk), to_text=str(cast.di.pk))
    assert 3 not in errors(draft)


def test_2001_pairs_open_in_the_preview_but_cannot_run(cast: Cast) -> None:
    draft = send(cast.ada, *(f"{10**6 + n},{10**7 + 2 * n},," for n in range(2001)))
    assert draft.rows.count() == 2001
    assert about_file(draft) == ["too-many-pairs"]
    assert not plan_of(draft, cast.ada).ready


def test_a_column_sorted_by_itself_is_a_problem_of_the_file(cast: Cast) -> None:
    people = [cast.ana, cast.bo, cast.cy]
    targets = [agent(cast.support, f"T{n} X") for n in range(3)]
    sheet = [line(people[n], targets[n], people[n - 1]) for n in range(3)]
    assert about_file(send(cast.ada, *sheet)) == ["one-column-sorted"]
    assert about_file(send(cast.ada, *sheet[:2])) == []


@pytest.mark.parametrize(
    "cell", ["1\x009", "\x00", "9" * 100_000, "x" * 100_000, "=cmd|'/c calc'!A0", "1\u202e9", "😀"]
)
def test_strange_cells_are_errors_and_never_ids(cast: Cast, cell: str) -> None:
    draft = send(cast.ada, f'{cell},"{cell}","{cell}","{cell}"', line(cast.ana, cast.bo))
    kept = row(draft, 2)
    assert (kept.from_id, kept.to_id) == (None, None)
    assert max(len(text) for text in (kept.from_text, kept.to_text)) <= 200
    assert len(kept.first_name) <= IDENTITY_LENGTH
    assert list(errors(draft)) == [2]
    actions.swap_direction(by=cast.ada, transfer=draft)
    assert list(errors(draft)) == [2]


def test_an_id_after_many_blanks_is_read(cast: Cast) -> None:
    draft = send(cast.ada, f"{' ' * 500}{cast.ana.pk},{cast.bo.pk}")
    assert (row(draft, 2).from_text, errors(draft)) == (str(cast.ana.pk), {})


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("C:\\Users\\Ada\\people.csv", "people.csv"),
        ("../../etc/people.csv", "people.csv"),
        ('"><script>.csv', '"><script>.csv'),
        ("\u202egpj.csv", "\ufffdgpj.csv"),
        ("a\x00b.csv", "a\ufffdb.csv"),
        ("", ""),
    ],
)
def test_file_names_are_stored_without_path_and_control_characters(cast: Cast, sent: str, kept: str) -> None:
    assert send(cast.ada, line(cast.ana, cast.bo), name=sent).file_name == kept


def test_a_long_file_name_is_shortened(cast: Cast) -> None:
    assert len(send(cast.ada, line(cast.ana, cast.bo), name="p" * 300 + ".csv").file_name) <= 80


# --- The same file again ---------------------------------------------------------------------------------------------


def test_the_same_file_again_names_the_last_run(cast: Cast) -> None:
    sheet = line(cast.ana, cast.bo)
    assert about_file(send(cast.ada, sheet)) == []
    first, second = (run(confirm(send(cast.ada, sheet), cast.ada)) for _ in range(2))
    Transfer.objects.filter(pk=first.pk).update(confirmed_at="2026-01-02T03:04Z")
    again = send(cast.ada, sheet)
    (problem,) = again.file_summary["problems"]
    assert (
        problem["sentence"]
        == f"You already used these rows for a transfer on {second.confirmed_at:%-d %b %Y %H:%M} (1 transferred)."
    )


def test_the_same_file_of_another_person_is_not_mentioned(cast: Cast) -> None:
    sheet = line(cast.ana, cast.bo)
    ran = run(confirm(send(cast.ada, sheet), cast.ada))
    Transfer.objects.filter(pk=ran.pk).update(requested_by=cast.vera)
    assert about_file(send(cast.ada, sheet)) == []


# --- Queries ---------------------------------------------------------------------------------------------------------


def test_200_rows_need_as_many_queries_as_5(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "COUNTED_AT_ONCE", 200)
    made = [agent(cast.support, f"A{number} B") for number in range(400)]
    sheet = [line(made[n], made[n + 200]) for n in range(200)]
    transfer(cast.ada, *zip(made[:200], made[200:], strict=True))
    cache_rights(cast.ada)
    numbers = []
    for rows in (sheet[:5], sheet):
        with CaptureQueriesContext(connection) as captured:
            send(cast.ada, *rows)
        numbers.append(len(captured))
    assert numbers[0] == numbers[1]
