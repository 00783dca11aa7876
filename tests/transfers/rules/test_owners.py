"""Every kind of place where a row can say whose it is: what is found there, and what stands there afterwards."""

import pytest
from django.db import connection, transaction

from accounts.models import User
from tests.smallapp import models as small
from tests.transfers.rules.people import People
from tests.transfers.rules.truth import Truth
from transfers.engine.stage import StagedPair, set_stage

COLUMNS = [
    Truth(
        "every owner column is mapped, in one row once",
        small.Two,
        "approver evaluator",
        ("S X", "T X"),
        ("X S", "X T"),
        ("S T", "T T"),
        ("S S", "T T"),
        ("- S", "- T"),
        ("X T", "same"),
        s={"source": 5, "target": 2, "moved": 5},
    ),
    Truth(
        "a row with the sources of two pairs counts for both",
        small.Two,
        "approver evaluator",
        ("S U", "T V"),
        s={"source": 1, "moved": 1},
        u={"source": 1, "moved": 1},
    ),
    Truth(
        "of an overwritten type the second owner says nothing of whose row it is",
        small.Shift,
        "worker planner slot",
        ("S X 1", "T X 1"),
        ("T X 1", "replaced"),
        ("X T 1", "same"),
        ("X S 2", "X T 2"),
        s={"source": 2, "target": 2, "moved": 2, "replaced": 1},
    ),
    Truth(
        "a source who only planned does not overwrite",
        small.Shift,
        "worker planner slot",
        ("X S 1", "X T 1"),
        ("T X 1", "same"),
        s={"source": 1, "target": 1, "moved": 1},
    ),
    Truth(
        "a replaced row that somebody else's source planned is dropped for them",
        small.Shift,
        "worker planner slot",
        ("S - 1", "T - 1"),
        ("T U 2", "replaced"),
        s={"source": 1, "target": 1, "moved": 1, "replaced": 1},
        u={"source": 1, "dropped": 1},
    ),
]

EDGES = [
    Truth(
        "C3: what both know is known once",
        small.Link,
        "a_user b_user",
        ("S X", "dropped"),
        ("T X", "same"),
        s={"source": 1, "target": 1, "dropped": 1},
    ),
    Truth(
        "nobody is joined to themselves, in either direction",
        small.Link,
        "a_user b_user",
        ("S T", "dropped"),
        ("T S", "dropped"),
        ("X S", "X T"),
        s={"source": 3, "target": 2, "moved": 1, "dropped": 2},
    ),
    Truth(
        "an edge that was there before is nobody's business",
        small.Link,
        "a_user b_user",
        ("T T", "same"),
        ("X X", "same"),
        ("S X", "T X"),
        s={"source": 1, "target": 1, "moved": 1},
    ),
    Truth(
        "a self-edge is gone before keys are judged",
        small.Link,
        "a_user b_user",
        ("T T", "same"),
        ("S S", "dropped"),
        s={"source": 1, "target": 1, "dropped": 1},
    ),
    Truth(
        "two pairs in one row",
        small.Link,
        "a_user b_user",
        ("S U", "T V"),
        ("U S", "dropped"),
        ("V T", "same"),
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
        u={"source": 2, "target": 1, "moved": 1, "dropped": 1},
    ),
]

ARRAYS = [
    Truth(
        "replaced where it stands, each user once",
        small.Watchlist,
        "users",
        ("[X,S,O]", "[X,T,O]"),
        ("[S,X,T]", "[T,X]"),
        ("[T,X,S]", "[T,X]"),
        ("[S,U]", "[T,V]"),
        s={"source": 4, "target": 2, "moved": 4},
        u={"source": 1, "moved": 1},
    ),
    Truth(
        "a list without a source is not touched, not even to tidy it up",
        small.Watchlist,
        "users",
        ("[X,X]", "same"),
        ("[]", "same"),
        ("-", "same"),
        ("[T,T]", "same"),
        s={"target": 1},
    ),
]

DOCUMENTS = [
    Truth(
        "E1: only at the place, and not what looks like it elsewhere",
        small.Petition,
        "asked_by document",
        (
            'X {"user_ids":[S,T,X],"n":S,"deep":{"user_ids":[S]}}',
            'X {"user_ids":[T,X],"n":S,"deep":{"user_ids":[S]}}',
        ),
        ('X {"n":S}', "same"),
        ("X -", "same"),
        ("X [S]", "same"),
        s={"source": 1, "target": 1, "moved": 1},
    ),
    Truth(
        "one id instead of a list",
        small.Petition,
        "asked_by document",
        ('X {"user_ids":S}', 'X {"user_ids":T}'),
        ('X {"user_ids":[X,true,null,"a",S]}', 'X {"user_ids":[X,true,null,"a",T]}'),
        s={"source": 2, "moved": 2},
    ),
    Truth(
        "column and list of one row are both mapped, and it counts once",
        small.Petition,
        "asked_by document",
        ('S {"user_ids":[S,U]}', 'T {"user_ids":[T,V]}'),
        s={"source": 1, "moved": 1},
        u={"source": 1, "moved": 1},
    ),
    Truth(
        "a list without a source is not touched",
        small.Petition,
        "asked_by document",
        ('S {"user_ids":[X,X]}', 'T {"user_ids":[X,X]}'),
        s={"source": 1, "moved": 1},
    ),
    Truth(
        "ids that are written as text",
        small.Subscription,
        "document",
        ('{"to":{"users":[S,X,T]},"users":[S]}', '{"to":{"users":[T,X]},"users":[S]}'),
        ('{"to":{"users":S}}', '{"to":{"users":T}}'),
        ('{"to":[S]}', "same"),
        s={"source": 2, "target": 1, "moved": 2},
        spelled="text",
    ),
]

KINDS = [
    Truth(
        "only where the kind is that of users",
        small.Attachment,
        "kind object_id name",
        ("user S a", "user T a"),
        ("team S a", "same"),
        ("user S b", "dropped"),
        ("user T b", "same"),
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
    ),
    Truth(
        "ids that are written as text",
        small.Kiosk,
        "kind object_id",
        ("user S", "user T"),
        ("team S", "same"),
        ("user x1", "same"),
        s={"source": 1, "moved": 1},
        spelled="text",
    ),
]


@pytest.mark.parametrize("truth", [*COLUMNS, *EDGES, *ARRAYS, *DOCUMENTS, *KINDS], ids=repr)
def test_owner(people: People, truth: Truth) -> None:
    truth.check(people)


@pytest.mark.parametrize("without", ["S", "T"])
def test_nothing_is_known_by_an_attribute_that_one_of_the_pair_does_not_have(
    people: People, without: str
) -> None:
    User.objects.filter(pk=people[without].pk).update(employee_id="")
    staged = [StagedPair(n, source.pk, target.pk) for n, (source, target) in enumerate(people.pairs)]
    with transaction.atomic(), connection.cursor() as cursor:
        set_stage(staged)
        cursor.execute("SELECT pair FROM transfer_stage_attribute WHERE holds = 'employee_id'")
        assert cursor.fetchall() == [(1,)]


def test_an_employee_id_is_that_of_the_tenant(people: People) -> None:
    here, there = people.here.pk, people.there.pk
    assert people["O"].employee_id == people["S"].employee_id
    Truth(
        "employee ID",
        small.Badge,
        "tenant employee_id door",
        (f"{here} S 1", f"{here} T 1"),
        (f"{here} S 2", "dropped"),
        (f"{here} T 2", "same"),
        (f"{there} S 1", "same"),
        (f"{here} '' 1", "same"),
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
        spelled="employee_id",
    ).check(people)


def test_a_user_name_is_that_of_the_tenant(people: People) -> None:
    """Rows of another tenant under the name stay: somebody there had it before."""
    here, there = people.here.pk, people.there.pk
    Truth(
        "user name",
        small.Login,
        "tenant username",
        (f"{here} S", f"{here} T"),
        (f"{here} X", "same"),
        (f"{here} nobody", "same"),
        (f"{there} S", "same"),
        s={"source": 1, "moved": 1},
        spelled="username",
    ).check(people)
