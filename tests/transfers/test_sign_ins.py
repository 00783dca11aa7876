"""What happens around signing in is in the audit log of the person's tenant, and nowhere else."""

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests.accounts.signing_in import PASSWORD, code, sign_in, with_app
from tests.transfers.cast import Cast
from transfers.audit import sentence
from transfers.models import AuditEvent


@pytest.fixture
def cast(db: None) -> Cast:
    made = Cast()
    made.ada.set_password(PASSWORD)
    made.ada.save()
    return made


def told(cast: Cast) -> list[str]:
    assert not AuditEvent.objects.exclude(tenant_id=cast.abacus.pk).exists()
    return [sentence(event) for event in AuditEvent.objects.order_by("id")]


def test_signing_in_and_out(client: Client, cast: Cast) -> None:
    sign_in(client, "ada.admin")
    client.post("/sign-out/", REMOTE_ADDR="192.0.2.7")
    assert told(cast) == ["Signed in.", "Signed out."]
    assert list(AuditEvent.objects.order_by("id").values_list("actor_id", "address")) == [
        (cast.ada.pk, "192.0.2.1"),
        (cast.ada.pk, "192.0.2.7"),
    ]


def test_a_failure_names_whom_it_was_about_and_nobody_who_did_it(client: Client, cast: Cast) -> None:
    sign_in(client, "ADA.ADMIN@example.com", "wrong")
    assert told(cast) == [f"A sign-in as {cast.ada.name} failed."]
    event = AuditEvent.objects.get()
    assert (event.actor_id, event.address) == (None, "192.0.2.1")
    assert "wrong" not in str(event.details)


def test_of_a_name_that_nobody_has_there_is_no_tenant_to_tell(client: Client, cast: Cast) -> None:
    sign_in(client, "nobody.of.this.name", "wrong")
    assert told(cast) == []


def test_the_lock_is_told_once(client: Client, cast: Cast) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT + 2):
        sign_in(client, "ada.admin", "wrong")
    failed = f"A sign-in as {cast.ada.name} failed."
    locked = f"Sign-in as {cast.ada.name} was locked for a while, after too many failures."
    assert sorted(told(cast)) == sorted([failed] * (settings.AXES_FAILURE_LIMIT + 2) + [locked])


def test_a_sign_in_of_two_steps_is_told_when_it_is_whole(client: Client, cast: Cast) -> None:
    with_app(cast.ada)
    sign_in(client, "ada.admin")
    assert told(cast) == []
    client.post("/sign-in/code/", {"code": code()})
    assert told(cast) == ["Signed in."]


def test_a_change_of_how_somebody_signs_in(
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
    assert sorted(told(cast)[1:]) == [
        "Changed the password.",
        "Made new recovery codes.",
        "Removed from the ways to sign in: an authenticator app.",
        "Removed from the ways to sign in: recovery codes.",
    ]
