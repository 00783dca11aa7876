"""The page of a rehearsal: start, progress, stop, report and download, for those who may run the transfer."""

import csv
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.signing_in.sessions.lifetime import PROVED
from audit.models import AuditEvent
from tests.fixtures import cast as transfers
from tests.fixtures import records
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.html import one_line
from tests.fixtures.rehearsing import rehearse, work
from tests.fixtures.running import confirm, run, upload
from transfers import actions
from transfers.models import Rehearsal, State, Transfer
from transfers.rehearsal import trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def draft(cast: Cast) -> Transfer:
    records.everything(cast.ana, 1)
    return upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))


@pytest.fixture
def failing_di(monkeypatch: pytest.MonkeyPatch, cast: Cast) -> None:
    real = trial.run_batch

    def refuse(transfer: Transfer, pair_ids: list[int]) -> None:
        if transfer.pairs.filter(pk__in=pair_ids, target=cast.di).exists():
            raise ZeroDivisionError
        real(transfer, pair_ids)

    monkeypatch.setattr(trial, "run_batch", refuse)
    monkeypatch.setattr("transfers.engine.worker.PAUSE", 0)


def address(name: str, made: Transfer) -> str:
    return reverse(f"transfers:{name}", args=[made.number])


def shown(client: Client, made: Transfer) -> str:
    response = client.get(address("rehearsal", made))
    assert response.status_code == 200
    return one_line(response.content.decode())


def test_from_the_preview_to_the_report(cast: Cast, draft: Transfer, failing_di: None) -> None:
    ada = signed_in(cast.ada)
    assert "Rehearse tries everything and keeps nothing." in one_line(
        ada.get(address("preview", draft)).content.decode()
    )
    started = ada.post(address("rehearsal", draft))
    assert (started.status_code, started["Location"]) == (302, address("rehearsal", draft))
    assert "0 of 2 done" in shown(ada, draft)
    progress = ada.get(address("rehearsal-progress", draft), headers=HTMX)
    assert "This rehearsal is queued" in one_line(progress.content.decode())

    work(draft.rehearsal)

    assert ada.get(address("rehearsal-progress", draft), headers=HTMX)["HX-Refresh"] == "true"
    page = shown(ada, draft)
    for words in (
        "1 user would not be transferred.",
        "1 of 2 users would be transferred · 1 would fail. Nothing was changed.",
        "an unexpected error occurred",
        "These numbers of the users that would be transferred equal those of the preview.",
        "RowExclusiveLock",
        "Rehearse again",
    ):
        assert words in page, words
    preview = one_line(ada.get(address("preview", draft)).content.decode())
    assert "1 of 2 users would be transferred · 1 would fail." in preview


def test_a_single_transfer_is_rehearsed_from_its_confirmation(cast: Cast) -> None:
    records.everything(cast.ana, 1)
    draft = actions.start_single(by=cast.otto, source_id=cast.ana.pk, target_id=cast.bo.pk)
    otto = signed_in(cast.otto)
    page = otto.get(address("transfer-confirmation", draft)).content.decode()
    assert f'action="{address("rehearsal", draft)}" id="rehearse-form"' in page
    otto.post(address("rehearsal", draft))
    work(draft.rehearsal)
    page = shown(otto, draft)
    assert "Every user would be transferred." in page
    assert "Back to the confirmation" in page
    assert records.owned_by(cast.bo) == {}


def test_the_confirmation_says_that_the_draft_is_rehearsed(cast: Cast, draft: Transfer) -> None:
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    ada = signed_in(cast.ada)
    fields = {"plan_hash": "x", "transferred": "0", "deleted": "0", "typed_count": "2"}
    page = one_line(ada.post(address("transfer-confirmation", draft), fields).content.decode())
    assert "This transfer is being rehearsed. Wait until the rehearsal has ended, or stop it." in page
    draft.refresh_from_db()
    assert (draft.state, Rehearsal.objects.get()) == (State.DRAFT, rehearsal)


def test_stop(cast: Cast, draft: Transfer) -> None:
    actions.rehearse(by=cast.ada, transfer=draft)
    ada = signed_in(cast.ada)
    assert ada.post(address("rehearsal-stop", draft))["Location"] == address("rehearsal", draft)
    page = shown(ada, draft)
    assert "The rehearsal was stopped." in page
    assert "0 of 2 users would be transferred · 2 not tried" in page
    assert ada.post(address("rehearsal-stop", draft)).status_code == 302


def test_other_numbers_and_other_rows_are_said(cast: Cast, draft: Transfer) -> None:
    records.call(cast.cy)
    rehearse(draft)
    ada = signed_in(cast.ada)
    page = shown(ada, draft)
    assert "In 1 row the numbers differ from the preview (3)." in page
    assert "was changed after this rehearsal" not in page
    actions.clear_row(by=cast.ada, transfer=draft, number=3)
    assert "The preview was changed after this rehearsal." in shown(ada, draft)


def test_it_waits_while_a_transfer_runs(cast: Cast, draft: Transfer) -> None:
    actions.rehearse(by=cast.ada, transfer=draft)
    transfers.transfer(cast.vera, (cast.eli, cast.nina), state=State.RUNNING)
    assert "Waiting, because a transfer is running." in shown(signed_in(cast.ada), draft)


def test_errors_say_why_nothing_was_rehearsed(cast: Cast) -> None:
    draft = upload(cast.ada, (cast.ana, 7000777), (cast.cy, 7000778))
    response = signed_in(cast.ada).post(address("rehearsal", draft))
    page = one_line(response.content.decode())
    assert response.status_code == 422
    assert "This transfer cannot be rehearsed now. Nothing was changed." in page
    assert "No user has the ID 7000777." in page
    assert "1 more row has this problem." in page
    assert not Rehearsal.objects.exists()


def test_errors_are_said_after_a_request_by_script_too(cast: Cast) -> None:
    draft = upload(cast.ada, (cast.ana, 7000777))
    ada = signed_in(cast.ada)
    response = ada.post(address("rehearsal", draft), headers=HTMX)
    assert response["HX-Redirect"] == address("rehearsal", draft)
    assert "No user has the ID 7000777." in shown(ada, draft)
    assert not Rehearsal.objects.exists()


def test_a_draft_whose_users_were_deactivated_is_rehearsed_with_the_warning(
    cast: Cast, draft: Transfer
) -> None:
    """As a transfer, which would run after the warning was confirmed."""
    User.objects.filter(pk=cast.di.pk).update(is_active=False)
    assert rehearse(draft).failures == {}


def test_a_large_draft_has_to_be_counted_first(
    cast: Cast, draft: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transfers.planning.plan.COUNTED_AT_ONCE", 1)
    draft.rows.update(counts=None, impact=None)
    response = signed_in(cast.ada).post(address("rehearsal", draft))
    assert response.status_code == 422
    assert "The records are still being counted." in one_line(response.content.decode())


def test_after_the_confirmation_the_report_stays_and_nothing_starts(cast: Cast, draft: Transfer) -> None:
    ada = signed_in(cast.ada)
    other = upload(cast.ada, (cast.eli, cast.nina))
    rehearse(draft)
    run(confirm(draft, cast.ada))
    assert f"Back to transfer {draft.number}" in shown(ada, draft)
    response = ada.post(address("rehearsal", draft))
    assert response.status_code == 422
    assert "already confirmed" in one_line(response.content.decode())
    actions.discard(by=cast.ada, transfer=other)
    assert ada.get(address("rehearsal", other)).status_code == 404


def test_nobody_else_sees_the_report_of_a_confirmed_transfer(cast: Cast, draft: Transfer) -> None:
    rehearse(draft)
    run(confirm(draft, cast.ada))
    zoe = transfers.person(cast.abacus, "Zoe Else", view=cast.ada.access_views.get())
    zoe.roles.add(cast.ada.roles.get())
    assert signed_in(zoe).get(address("transfer-detail", draft)).status_code == 200
    for name in ("rehearsal", "rehearsal-progress", "rehearsal-report"):
        assert signed_in(zoe).get(address(name, draft)).status_code == 404


def rows_of(client: Client, made: Transfer) -> list[dict[str, str]]:
    response = client.get(address("rehearsal-report", made))
    return list(csv.DictReader(b"".join(response.streaming_content).decode("utf-8-sig").splitlines()))


def test_the_download(cast: Cast, draft: Transfer, failing_di: None) -> None:
    rehearse(draft)
    good, bad = rows_of(signed_in(cast.ada), draft)
    assert (good["Row"], good["From User"], good["Result"]) == ("2", "Ana Díaz", "Would be transferred")
    assert (bad["Result"], bad["Reason code"]) == ("Would not be transferred", "unexpected-error")
    assert bad["What to do"]
    event = AuditEvent.objects.get(kind="audit-downloaded")
    assert (event.details["what"], event.transfer_number) == ("rehearsal report", draft.number)


def test_users_who_left_the_views_are_not_named(cast: Cast, failing_di: None) -> None:
    draft = actions.start_single(by=cast.otto, source_id=cast.cy.pk, target_id=cast.di.pk)
    rehearse(draft)
    User.objects.filter(pk=cast.di.pk).update(team=cast.sales)
    otto = signed_in(cast.otto)
    [row] = rows_of(otto, draft)
    assert (row["To User ID"], row["To User"]) == (str(cast.di.pk), "")
    page = shown(otto, draft)
    assert "A user of this pair is not in your views any more." in page
    assert "Di Ng" not in page


def test_starting_needs_a_recent_sign_in(cast: Cast, draft: Transfer) -> None:
    ada = signed_in(cast.ada)
    session = ada.session
    session[PROVED] = 0
    session.save()
    response = ada.post(address("rehearsal", draft))
    assert response.status_code == 302
    assert urlsplit(response["Location"]).path != address("rehearsal", draft)
    assert not Rehearsal.objects.exists()
