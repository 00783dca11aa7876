"""Files whose rows speak of another user than their ID, and files that only seem to (docs/csv-cases.md, 13 and 42)."""

import io
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Team, User
from tests.fixtures.cast import Cast, agent
from tests.fixtures.roles import as_owner
from tests.transfers.actions.sheets import about_file, errors, row, send
from transfers import actions
from transfers.models import DraftRow, Transfer

pytestmark = pytest.mark.django_db

CORPUS = Path(__file__).parents[1] / "people_csv" / "corpus"
OTHER = "name-of-another-user"
HEADER = "From User ID,To User ID,First Name,Last Name,User Name,Email,Employee ID"


@pytest.fixture(autouse=True)
def free_ids(db: None) -> None:
    """Let the IDs of other users begin above those in the files, however many users earlier tests have created."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('accounts_user', 'id'), 1000000)")


def user(team: Team, number: int, first: str, last: str, login: str) -> User:
    return User.objects.create(
        pk=number,
        tenant=team.tenant,
        team=team,
        first_name=first,
        last_name=last,
        username=login,
        email=f"{login}@northwind.example",
        is_active=number >= 60,  # the targets
    )


def targets(cast: Cast) -> None:
    for number in (60, 61, 62):
        user(cast.support, number, "Tia", "To", f"to.{number}")


def upload_corpus(by: User, name: str) -> Transfer:
    (path,) = CORPUS.glob(f"{name}-*.csv")
    with path.open("rb") as stream:
        return actions.upload(by=by, file_name=path.name, stream=stream)


def statuses(draft: Transfer) -> list[str]:
    return [found.status for found in draft.rows.order_by("number")]


# --- Real files ------------------------------------------------------------------------------------------------------


def test_a_column_sorted_alone_in_another_script(cast: Cast) -> None:
    targets(cast)
    user(cast.support, 12, "نور", "الهاشمي", "nour.alhashimi")
    user(cast.support, 13, "민수", "김", "minsu.kim")
    assert errors(upload_corpus(cast.ada, "01")) == {2: [OTHER], 3: [OTHER]}


def test_a_column_sorted_alone_among_namesakes(cast: Cast) -> None:
    targets(cast)
    user(cast.support, 5, "Maria", "Silva", "maria.silva")
    user(cast.support, 6, "Maria", "Silva", "maria.silva.night")
    draft = upload_corpus(cast.ada, "02")
    assert errors(draft) == {2: [OTHER], 3: [OTHER]}
    assert row(draft, 2).problems[0]["sentence"] == (
        "The user name in row 2 does not match user 5: the row says “maria.silva.night”, "
        "but the user is “Maria Silva (maria.silva)”."
    )


def ready_or_active(draft: Transfer) -> None:
    assert errors(draft) == {}
    assert {problem["code"] for found in draft.rows.all() for problem in found.problems} <= {
        "nothing-to-move"
    }


def test_turkish_names_in_a_code_page(cast: Cast) -> None:
    targets(cast)
    for number, last in ((243, "Aydın"), (266, "Kılıç"), (317, "Türkoğlu")):
        user(cast.support, number, "İbrahim", last, f"user.{number}")
    User.objects.filter(first_name="İbrahim").update(is_active=False)
    draft = upload_corpus(cast.ada, "07")
    ready_or_active(draft)
    assert about_file(draft) == ["not-utf-8"]


def test_japanese_names_in_a_code_page(cast: Cast) -> None:
    targets(cast)
    for number, first, last in ((101, "太郎", "田中"), (102, "花子", "鈴木"), (103, "ユキ", "アオキ")):
        user(cast.support, number, first, last, f"user.{number}")
    User.objects.filter(pk__gt=100, username__startswith="user.").update(is_active=False)
    draft = upload_corpus(cast.ada, "08")
    ready_or_active(draft)
    assert about_file(draft) == ["not-utf-8"]


def test_the_same_file_with_other_users_is_refused_as_sorted(cast: Cast) -> None:
    targets(cast)
    for number, first, last in ((101, "花子", "鈴木"), (102, "ユキ", "アオキ"), (103, "太郎", "田中")):
        user(cast.support, number, first, last, f"user.{number}")
    draft = upload_corpus(cast.ada, "08")
    assert errors(draft) == {2: [OTHER], 3: [OTHER], 4: [OTHER]}
    assert "one-column-sorted" in about_file(draft)


# --- Texts of other users --------------------------------------------------------------------------------------------


def identity(source: User, named: User, **changes: str) -> str:
    texts = {
        "first": named.first_name,
        "last": named.last_name,
        "login": named.username,
        "email": named.email,
        "employee": named.employee_id,
        **changes,
    }
    return ",".join([str(source.pk), str(source.pk + 1), *texts.values()])


def found(cast: Cast, line: str) -> set[str]:
    problems = row(send(cast.ada, line, header=HEADER), 2).problems
    return {problem["code"] for problem in problems} & {OTHER, "partly-different"}


def test_user_name_and_email_of_two_users_contradict_each_other(cast: Cast) -> None:
    assert found(cast, identity(cast.ana, cast.ana, email=cast.eli.email.upper())) == {OTHER}
    assert found(cast, identity(cast.ana, cast.ana, login=cast.eli.username)) == {OTHER}
    assert found(cast, identity(cast.ana, cast.ana, email="old@example.com")) == {"partly-different"}
    assert found(cast, identity(cast.ana, cast.ana, login="old")) == {"partly-different"}
    assert found(cast, identity(cast.ana, cast.ana)) == set()


def test_an_employee_id_of_another_user(cast: Cast) -> None:
    User.objects.filter(pk=cast.eli.pk).update(employee_id="E-77")
    texts = {"login": "", "email": ""}
    assert found(cast, identity(cast.ana, cast.ana, **texts, employee="E-77")) == {OTHER}
    assert found(cast, identity(cast.ana, cast.ana, **texts, employee="E-78")) == {"partly-different"}


def test_users_out_of_view_are_not_given_away(cast: Cast) -> None:
    foreign = agent(Team.objects.create(tenant=cast.foreign, name="Far"), "Fay Far")
    assert found(cast, identity(cast.ana, cast.ana, email=foreign.email)) == {"partly-different"}


def test_rows_that_fit_need_no_query_for_others_and_any_number_of_misfits_one(cast: Cast) -> None:
    def queries(*lines: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            send(cast.ada, *lines, header=HEADER)
        return len(captured)

    queries(identity(cast.ana, cast.ana))
    fitting = queries(identity(cast.ana, cast.ana))
    one = queries(identity(cast.ana, cast.ana, email="old@example.com"))
    three = queries(
        *(identity(user, user, email=f"old{user.pk}@example.com") for user in (cast.ana, cast.cy, cast.eli))
    )
    assert one == three == fitting + 1


# --- Texts as they are stored ----------------------------------------------------------------------------------------


def test_texts_are_forgotten_when_the_id_beside_them_is_changed(cast: Cast) -> None:
    draft = send(cast.ada, identity(cast.ana, cast.bo), header=HEADER)
    assert errors(draft) == {2: [OTHER]}
    actions.fix_row(by=cast.ada, transfer=draft, number=2, from_text=str(cast.cy.pk), to_text=str(cast.di.pk))
    assert errors(draft) == {}
    fields = ("first_name", "last_name", "user_name", "email", "employee_id")
    assert [getattr(row(draft, 2), field) for field in fields] == [""] * 5


def test_a_letter_that_ends_in_the_byte_of_a_space_is_kept(cast: Cast) -> None:
    """In Cyrillic of DOS, "а" is the byte that Windows-1252 reads as a no-break space."""
    olga = agent(cast.support, "Ольга Лиска", is_active=False)
    content = f"{HEADER}\r\n{olga.pk},{cast.bo.pk},Ольга,Лиска,,,\r\n".encode("cp866")
    path = actions.upload(by=cast.ada, file_name="p.csv", stream=io.BytesIO(content))
    assert errors(path) == {}
    assert row(path, 2).last_name.endswith("\xa0")


@pytest.mark.parametrize("text", ["\0", "x" * 5000, "\ufffd", "'"])
def test_any_text_can_be_stored(cast: Cast, text: str) -> None:
    draft = send(cast.ada, identity(cast.ana, cast.ana, login=text), header=HEADER)
    assert row(draft, 2).status in DraftRow.Status.values


def test_swapping_the_direction_keeps_the_texts_with_their_user(cast: Cast) -> None:
    draft = send(cast.ada, identity(cast.ana, cast.ana), header=HEADER)
    actions.swap_direction(by=cast.ada, transfer=draft)
    assert errors(draft) == {}
