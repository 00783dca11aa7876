"""Sign-in events are recorded in the audit log of the user's tenant, and nowhere else."""

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from audit.log import sentence
from audit.models import AuditEvent
from tests.fixtures.cast import Cast
from tests.fixtures.signing_in import PASSWORD, code, sign_in, with_app


@pytest.fixture
def cast(db: None) -> Cast:
    made = Cast()
    made.ada.set_password(PASSWORD)
    made.ada.save()
    return made


def sentences(cast: Cast) -> list[str]:
    assert not AuditEvent.objects.exclude(tenant_id=cast.abacus.pk).exists()
    return [sentence(event) for event in AuditEvent.objects.order_by("id")]


def test_signing_in_and_out(client: Client, cast: Cast) -> None:
    sign_in(client, "ada.admin")
    client.post("/sign-out/", REMOTE_ADDR="192.0.2.7")
    assert sentences(cast) == ["Signed in.", "Signed out."]
    assert list(AuditEvent.objects.order_by("id").values_list("actor_id", "address")) == [
        (cast.ada.pk, "192.0.2.1"),
        (cast.ada.pk, "192.0.2.7"),
    ]


def test_a_failed_sign_in_names_the_account_and_no_actor(client: Client, cast: Cast) -> None:
    sign_in(client, "ADA.ADMIN@example.com", "wrong")
    assert sentences(cast) == [f"A sign-in as {cast.ada.name} failed."]
    event = AuditEvent.objects.get()
    assert (event.actor_id, event.address) == (None, "192.0.2.1")
    assert "wrong" not in str(event.details)


def test_an_unknown_name_is_not_recorded(client: Client, cast: Cast) -> None:
    sign_in(client, "nobody.of.this.name", "wrong")
    assert sentences(cast) == []


def test_a_lock_is_recorded_once(client: Client, cast: Cast) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT + 2):
        sign_in(client, "ada.admin", "wrong")
    failed = f"A sign-in as {cast.ada.name} failed."
    locked = f"Sign-in as {cast.ada.name} was temporarily locked after too many failed attempts."
    assert sorted(sentences(cast)) == sorted([failed] * (settings.AXES_FAILURE_LIMIT + 2) + [locked])


def test_a_two_step_sign_in_is_recorded_when_complete(client: Client, cast: Cast) -> None:
    with_app(cast.ada)
    sign_in(client, "ada.admin")
    assert sentences(cast) == []
    client.post("/sign-in/code/", {"code": code()})
    assert sentences(cast) == ["Signed in."]


def test_changes_on_security_are_recorded(
    client: Client, cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with_app(cast.ada)
    sign_in(client, "ada.admin")
    client.post("/sign-in/code/", {"code": code()})
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/security/codes/new/")
        client.post("/security/app/off/")
    new = {"oldpassword": PASSWORD, "password1": "a much newer one", "password2": "a much newer one"}
    client.post("/security/password/", new)
    assert sorted(sentences(cast)[1:]) == [
        "Changed the password.",
        "Created new recovery codes.",
        "Removed a way to sign in: an authenticator app.",
        "Removed a way to sign in: recovery codes.",
    ]
