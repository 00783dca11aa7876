"""For every kind of owner column: which rows belong to a user, and what the column contains after the transfer."""

from dataclasses import replace

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction

from accounts.models import Team, User
from tests.apps.smallapp import models as small
from tests.transfers.rules import journal, running
from tests.transfers.rules.featured import change, model_of, run
from tests.transfers.rules.meddling import meddle
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.running import whole_row
from tests.transfers.rules.truth import Truth
from transfers.engine.stage import StagedPair, set_stage
from transfers.rules import Combine, DataType, JsonPath, Merge, Sum

COLUMNS = [
    Truth(
        "every owner column of a row is mapped, and the row counts once",
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
        "for Overwrite the second owner does not make a row the target's",
        small.Shift,
        "worker planner slot",
        ("S X 1", "T X 1"),
        ("T X 1", "replaced"),
        ("X T 1", "same"),
        ("X S 2", "X T 2"),
        s={"source": 2, "target": 2, "moved": 2, "replaced": 1},
    ),
    Truth(
        "a source in the second owner only does not overwrite",
        small.Shift,
        "worker planner slot",
        ("X S 1", "X T 1"),
        ("T X 1", "same"),
        s={"source": 1, "target": 1, "moved": 1},
    ),
    Truth(
        "a replaced row with another pair's source in the second owner is dropped for that pair",
        small.Shift,
        "worker planner slot",
        ("S - 1", "T - 1"),
        ("T U 2", "replaced S, dropped U"),
        s={"source": 1, "target": 1, "moved": 1, "replaced": 1},
        u={"source": 1, "dropped": 1},
    ),
]

EDGES = [
    Truth(
        "C3: a link that both users have is kept once",
        small.Link,
        "a_user b_user",
        ("S X", "dropped"),
        ("T X", "same"),
        s={"source": 1, "target": 1, "dropped": 1},
    ),
    Truth(
        "a self-edge is dropped, in either direction",
        small.Link,
        "a_user b_user",
        ("S T", "dropped"),
        ("T S", "dropped"),
        ("X S", "X T"),
        s={"source": 3, "target": 2, "moved": 1, "dropped": 2},
    ),
    Truth(
        "an existing self-edge is not touched",
        small.Link,
        "a_user b_user",
        ("T T", "same"),
        ("X X", "same"),
        ("S X", "T X"),
        s={"source": 1, "target": 1, "moved": 1},
    ),
    Truth(
        "a self-edge is dropped before keys are resolved",
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
        ("U S", "dropped SU"),
        ("V T", "same"),
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
        u={"source": 2, "target": 1, "moved": 1, "dropped": 1},
    ),
]

ARRAYS = [
    Truth(
        "replaced in place, each user once",
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
        "a list without a source is not touched, duplicates included",
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
        "E1: only at the path, not equal values elsewhere",
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
        "one ID instead of a list",
        small.Petition,
        "asked_by document",
        ('X {"user_ids":S}', 'X {"user_ids":T}'),
        ('X {"user_ids":[X,true,null,"a",S]}', 'X {"user_ids":[X,true,null,"a",T]}'),
        s={"source": 2, "moved": 2},
    ),
    Truth(
        "column and list of one row are both mapped, and the row counts once",
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
        "IDs stored as text",
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
        "only rows of the user kind",
        small.Attachment,
        "kind object_id name",
        ("user S a", "user T a"),
        ("team S a", "same"),
        ("user S b", "dropped"),
        ("user T b", "same"),
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
    ),
    Truth(
        "IDs stored as text",
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
def test_a_pair_is_not_staged_by_an_attribute_that_one_user_lacks(people: People, without: str) -> None:
    User.objects.filter(pk=people[without].pk).update(employee_id="")
    staged = [StagedPair(n, source.pk, target.pk) for n, (source, target) in enumerate(people.pairs)]
    with transaction.atomic(), connection.cursor() as cursor:
        set_stage(staged)
        cursor.execute("SELECT pair FROM transfer_stage_attribute WHERE holds = 'employee_id'")
        assert cursor.fetchall() == [(1,)]


def test_an_employee_id_matches_within_its_tenant_only(people: People) -> None:
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
        (f"{here} login-S 1", "same"),  # an employee ID that equals the user name of S
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
        spelled="employee_id",
    ).check(people)


def test_a_user_name_matches_within_its_tenant_only(people: People) -> None:
    """Rows of another tenant with the same name do not change, because a user there may have had the name before."""
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


def test_a_generic_foreign_key(people: People) -> None:
    """Its content type is declared by name. A row of a team with the number of the source does not change."""
    users, teams = (ContentType.objects.get_for_model(model).pk for model in (User, Team))
    Truth(
        "generic foreign key",
        small.Pin,
        "content_type object_id name",
        (f"{users} S a", f"{users} T a"),
        (f"{users} S b", "dropped"),
        (f"{users} T b", "same"),
        (f"{users} X a", "same"),
        (f"{teams} S a", "same"),
        s={"source": 2, "target": 1, "moved": 1, "dropped": 1},
    ).check(people)


def test_an_operator_of_the_extension_intarray_is_not_used(people: People) -> None:
    """It raises an error for an array with NULL."""
    change("CREATE EXTENSION intarray; ALTER TABLE smallapp_watchlist ALTER users TYPE integer[]")
    Truth(
        "array of integers",
        small.Watchlist,
        "users",
        ("[S,null]", "[T,null]"),
        ("[X,null]", "same"),
        s={"source": 1, "moved": 1},
    ).check(people)


def test_a_path_with_a_number_leads_into_no_list(people: People) -> None:
    """As `->` reads it, by which rows are found: "0" is a key, and not the first element of a list."""
    s, t = people["S"].pk, people["T"].pk
    entry = running.type_of("smallapp_brief")
    owners = (JsonPath("document", "by"), JsonPath("document", "teams", "0"))
    documents = [{"by": s, "teams": [s]}, {"by": s, "teams": {"0": [s]}}]
    running.insert(
        "smallapp_brief", [whole_row(small.Brief, id=n, document=d) for n, d in enumerate(documents)]
    )
    ran = run(people, replace(entry, owners=owners))
    assert [row["document"] for row in ran.world["smallapp_brief"]] == [
        {"by": t, "teams": [s]},
        {"by": t, "teams": {"0": [t]}},
    ]


def test_two_paths_in_one_document_of_a_row_that_others_are_merged_into(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trigger on updates makes the engine compare the users of the row, too."""
    change("CREATE TABLE doc (id bigint PRIMARY KEY, users jsonb UNIQUE, n integer)")
    meddle("doc", "BEFORE UPDATE", "RETURN NEW;")
    doc = model_of("doc", users=models.JSONField(), n=models.IntegerField())
    paths = JsonPath("users", "by"), JsonPath("users", "for")
    entry = DataType("Docs", doc, paths, Combine(Merge({"n": Sum()})), "Docs.")
    monkeypatch.setattr(journal, "by_key", lambda _: entry)
    for number, letter in enumerate("ST", start=1):
        users = f'{{"by": [{people[letter].pk}], "for": []}}'
        execute("INSERT INTO doc VALUES (%s, %s, %s)", number, users, number)
    ran = run(people, entry)
    assert [(row["id"], row["n"]) for row in ran.world["doc"]] == [(2, 3)]
