"""An event that this release cannot render is shown as what it is, and breaks neither the log nor its download.

A newer release may have recorded it, or SQL with the application's role. It cannot be removed.
"""

import io

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from audit.log import KINDS, sentence
from audit.models import AuditEvent
from audit.verification import exact
from operations.models import Operator
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.roles import as_owner
from tests.fixtures.signing_in import with_app

INSERT = """
INSERT INTO audit_auditevent (tenant_id, kind, actor_id, actor_name, details)
VALUES (%s, %s, %s, 'Ada Admin', %s::jsonb)
"""
ODD = [
    ("from-tomorrow", '{"name": "Ana"}'),
    ("<script>\u202e", "{}"),
    ("transfer-confirmed", "{}"),
    ("transfer-confirmed", '{"pairs": "many", "transferred": [], "deleted": null}'),
    ("view-deleted", "{}"),
    ("view-deleted", '{"changes": [{"field": "Users", "before": 1}], "name": "A", "subject_id": 1}'),
    ("view-deleted", '{"changes": 7}'),
    ("users-exported", "null"),
    ("users-exported", "[1, 2]"),
    ("users-exported", '"text"'),
    ("users-exported", '{"users": %s}' % ("9" * 5_000)),
    ("users-exported", '{"users": %s}' % ("[" * 900 + "]" * 900)),
    ("users-exported", '{"users": 1, "more": %s}' % ("[" * 4_000 + "]" * 4_000)),
    ("row-cleared", '{"row": 1e400}'),
]


def add(cast: Cast, kind: str, details: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [cast.abacus.pk, kind, cast.ada.pk, details])


@pytest.mark.parametrize(("kind", "details"), ODD)
def test_the_page_and_the_download_show_it(cast: Cast, kind: str, details: str) -> None:
    add(cast, kind, details)
    for reader in (cast.ada, cast.vera):
        client = signed_in(reader)
        assert client.get(reverse("transfers:audit-log")).status_code == 200
        for query in ({}, {"format": "xlsx"}):
            response = client.get(reverse("transfers:audit-download"), query)
            assert response.status_code == 200
            assert response.getvalue()


@pytest.mark.parametrize(("kind", "details"), ODD)
def test_operators_see_it(cast: Cast, kind: str, details: str) -> None:
    with as_owner():
        Operator.objects.create(user=cast.nina)
    with_app(cast.nina)
    add(cast, kind, details)
    client = signed_in(cast.nina)
    assert client.get("/operate/audit/auditevent/").status_code == 200
    event = AuditEvent.objects.order_by("pk").first()
    assert event is not None
    assert client.get(f"/operate/audit/auditevent/{event.pk}/change/").status_code == 200


def test_it_is_named_for_what_it_is() -> None:
    assert sentence(AuditEvent(kind="later", details={})) == (
        "An event of the kind “later”, which this release does not know."
    )
    assert sentence(AuditEvent(kind="users-exported", details=[])) == (
        "An event of the kind “users-exported” whose details this release cannot show."
    )


def test_the_verification_names_it_and_does_not_call_it_a_change(cast: Cast) -> None:
    for kind, details in ODD:
        add(cast, kind, details)
    out = io.StringIO()
    call_command("verify_audit", "--tenant", str(cast.abacus.pk), stdout=out)
    text = out.getvalue()
    assert "Nothing was changed." in text
    assert "“from-tomorrow”, which this release does not know." in text
    for event in AuditEvent.objects.filter(actor_id=cast.ada.pk):
        assert (f"The event of {exact(event.at)}: " in text) == (
            sentence(event).startswith("An event of the kind")
        )
    unknown = [kind for kind, _ in ODD if kind not in KINDS]
    assert all(f"“{kind}”".replace("\u202e", "\ufffd") in text for kind in unknown)


def test_unknown_kinds_are_hidden_from_readers_with_a_narrow_view(cast: Cast) -> None:
    """An unknown kind may name users outside the reader's views, like changes of users and views."""
    add(cast, "from-tomorrow", '{"name": "Eli Sales"}')
    role = cast.otto.roles.get()
    role.permissions = [*role.permissions, "see_audit"]
    role.save()
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [cast.abacus.pk, "from-tomorrow", cast.ana.pk, "{}"])
        cursor.execute(INSERT, [cast.abacus.pk, "signed-out", cast.ana.pk, "{}"])
    response = signed_in(cast.otto).get(reverse("transfers:audit-log"))
    assert [entry.event.kind for entry in response.context["entries"]] == ["signed-out"]
