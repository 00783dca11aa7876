"""Facts are gathered in two queries, and only about users whom the acting person may see."""

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import AccessView, AccessViewAssignment, RoleAssignment, User
from accounts.permissions import TENANT_ADMINISTRATOR
from operations.models import Operator
from tests.fixtures.cast import Cast, agent, cache_rights, enterprise_view, person, transfer
from tests.fixtures.roles import as_owner
from transfers.models import Participant, State, Transfer
from transfers.validation import CandidateRow, check_rows, gather
from wording.problems import Problem

pytestmark = pytest.mark.django_db


def problems_of(by: User, source: int, target: int) -> list[Problem]:
    return check_rows([CandidateRow(2, source, target)], gather(by, [source, target]))[2]


def codes(by: User, source: User, target: User) -> list[str]:
    return [problem.code for problem in problems_of(by, source.pk, target.pk) if problem.severity.blocks]


def test_facts_of_a_user_in_view(cast: Cast) -> None:
    facts = gather(cast.otto, [cast.ana.pk])
    known = facts.users[cast.ana.pk]
    assert facts.person_id == cast.otto.pk
    assert (known.id, known.name, known.username, known.is_active) == (
        cast.ana.pk,
        "Ana Díaz",
        "ana.díaz",
        True,
    )
    assert (known.is_tenant_administrator, known.reaches_beyond, known.busy_in) == (False, False, None)


def test_unknown_foreign_and_out_of_view_give_the_same_problem(cast: Cast) -> None:
    """The ID is the same in all three cases, so the problems must be identical."""
    number = cast.eli.pk
    out_of_view = problems_of(cast.otto, number, cast.bo.pk)
    User.objects.filter(pk=number).update(tenant=cast.foreign, team=None)
    foreign = problems_of(cast.ada, number, cast.bo.pk)
    User.objects.filter(pk=number).delete()
    unknown = problems_of(cast.ada, number, cast.bo.pk)
    assert out_of_view == foreign == unknown
    assert [problem.sentence for problem in unknown] == [f"No user has the ID {number}."]


def test_a_busy_or_privileged_user_out_of_view_is_unknown(cast: Cast) -> None:
    busy(cast, cast.eli)
    assert codes(cast.otto, cast.eli, cast.bo) == ["unknown-user"]
    assert codes(cast.otto, cast.vera, cast.bo) == ["unknown-user"]


def test_tenant_administrators(cast: Cast) -> None:
    boss = person(cast.abacus, "Tess Boss", TENANT_ADMINISTRATOR)
    assert codes(cast.ada, boss, cast.bo) == ["tenant-administrator"]
    assert codes(cast.ada, cast.bo, boss) == ["tenant-administrator"]


def test_the_acting_person(cast: Cast) -> None:
    assert codes(cast.ada, cast.ada, cast.bo) == ["acting-person"]
    assert codes(cast.ada, cast.bo, cast.ada) == ["acting-person"]


def test_a_source_with_a_wider_view_than_the_person(cast: Cast) -> None:
    everything = AccessView.objects.get(tenant=cast.abacus, is_enterprise=True)
    AccessViewAssignment.objects.create(user=cast.ana, view=everything)
    assert codes(cast.otto, cast.ana, cast.bo) == ["view-reaches-beyond"]
    assert codes(cast.otto, cast.bo, cast.ana) == []
    assert codes(cast.ada, cast.ana, cast.bo) == []


def busy(cast: Cast, user: User) -> Transfer:
    made = transfer(cast.ada, (user, cast.di), state=State.RUNNING)
    Participant.objects.create(user=user, transfer=made)
    return made


def test_a_busy_user(cast: Cast) -> None:
    busy(cast, cast.ana)
    assert codes(cast.otto, cast.ana, cast.bo) == ["user-busy"]
    assert codes(cast.otto, cast.bo, cast.ana) == ["user-busy"]


def test_a_transfer_does_not_make_its_own_users_busy(cast: Cast) -> None:
    made = busy(cast, cast.ana)
    assert gather(cast.ada, [cast.ana.pk], ignoring=made.pk).users[cast.ana.pk].busy_in is None
    assert gather(cast.ada, [cast.ana.pk], ignoring=made.pk + 1).users[cast.ana.pk].busy_in == made.pk


@pytest.mark.parametrize("count", [5, 200])
def test_two_queries_however_many_users(
    cast: Cast, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ids = [agent(cast.support, f"A{number} B").pk for number in range(count)]
    cache_rights(cast.otto)
    with django_assert_num_queries(2):
        assert len(gather(cast.otto, ids).users) == count


def test_an_enterprise_view_of_another_tenant_shows_no_users(cast: Cast) -> None:
    other = enterprise_view(type(cast.abacus).objects.create(name="Third"))
    AccessViewAssignment.objects.create(view=other, user=cast.nina)
    assert gather(cast.nina, [cast.ana.pk, cast.frida.pk]).users == {}


def test_a_source_with_more_permissions_and_views_is_refused(cast: Cast) -> None:
    """Otto may transfer a user who has views, or who has permissions that Otto lacks, but not a user who has both."""
    AccessViewAssignment.objects.create(user=cast.ana, view=cast.otto.access_views.get())
    assert codes(cast.otto, cast.ana, cast.bo) == []
    RoleAssignment.objects.create(user=cast.ana, role=cast.otto.roles.get())
    assert codes(cast.otto, cast.ana, cast.bo) == []
    for user in (cast.ana, cast.cy):
        RoleAssignment.objects.create(user=user, role=cast.vera.roles.get())
    assert codes(cast.otto, cast.cy, cast.bo) == []
    assert codes(cast.otto, cast.ana, cast.bo) == ["source-outranks"]
    assert codes(cast.otto, cast.bo, cast.ana) == []
    assert codes(cast.ada, cast.ana, cast.bo) == []


def test_operators_of_the_server(cast: Cast) -> None:
    with as_owner():
        Operator.objects.create(user=cast.cy)
    assert codes(cast.ada, cast.cy, cast.bo) == ["server-operator"]
    assert codes(cast.ada, cast.bo, cast.cy) == ["server-operator"]
    assert codes(cast.otto, cast.bo, cast.cy) == ["server-operator"]
