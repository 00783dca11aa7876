"""All page states, for the screenshots and the accessibility tests.

A page state is a page with certain data and input, such as a form with errors. `make` creates the data and returns the
URL of the page; `act`, if any, then clicks and types there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO

from django.template import loader
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser import account_states as accounts
from tests.browser import sign_in_states as signing
from tests.browser import undo_states as undo
from tests.browser.world import World, enter, forget_transfers
from tests.fixtures.cast import transfer
from tests.fixtures.records import call
from tests.fixtures.rehearsing import rehearse, report_of
from tests.fixtures.running import run_bulk, run_single, upload
from transfers import actions
from transfers.engine.failures.reasons import Failure
from transfers.models import DraftRow, Kind, PairState, Participant, Rehearsal, State, Transfer, TransferPair
from transfers.results.exports import draft_errors_table

Make = Callable[[World], str]
Act = Callable[[Page, World], None]


@dataclass(frozen=True)
class PageState:
    """A page with certain data and input.

    who: the field of `World` that holds the signed-in user, or "" if nobody is signed in when the page is opened.
    """

    make: Make
    act: Act | None = None
    who: str = "boss"


def at(address: str) -> Make:
    return lambda world: address


def url(name: str, *args: object) -> str:
    return reverse(f"transfers:{name}", args=args)


# --- Single --------------------------------------------------------------------------------------------------------


def pair(world: World) -> str:
    return f"{url('single')}?source={world.source.pk}&target={world.target.pk}"


def same_user(world: World) -> str:
    return f"{url('single')}?source={world.source.pk}&target={world.source.pk}"


def open_options(page: Page, world: World) -> None:
    page.get_by_label("Target User").press_sequentially("an")
    expect(page.get_by_role("option").first).to_be_visible()


def find_nobody(page: Page, world: World) -> None:
    page.get_by_label("Source User").press_sequentially("qqq")
    expect(page.get_by_role("option", name="Show inactive users too")).to_be_visible()


def open_window(page: Page, world: World) -> None:
    page.locator("#content").get_by_text("Run Transfer", exact=True).click()
    expect(page.get_by_role("alertdialog")).to_be_visible()


def confirm_what_changed(page: Page, world: World) -> None:
    open_window(page, world)
    call(world.source)
    page.get_by_label("I have checked the direction").check()
    page.get_by_role("alertdialog").get_by_role("button", name="Run Transfer").click()
    expect(page.get_by_text("The numbers have changed")).to_be_visible()


def single_draft(world: World) -> str:
    draft = actions.start_single(by=world.boss, source_id=world.source.pk, target_id=world.target.pk)
    return url("transfer-confirmation", draft.number)


# --- Bulk ----------------------------------------------------------------------------------------------------------


def some_pairs(world: World, count: int = 3) -> list[tuple[object, object]]:
    people = world.people[: 2 * count]
    return list(zip(people[::2], people[1::2], strict=True))


def drafts(world: World) -> str:
    for count in (1, 3):
        upload(world.boss, *some_pairs(world, count))
    transfer(world.boss, some_pairs(world)[0], state=State.RUNNING, kind=Kind.BULK)
    return url("bulk")


def refuse_file(page: Page, world: World) -> None:
    page.locator("#file").set_input_files(
        {"name": "people.xlsx", "mimeType": "text/csv", "buffer": b"%PDF-1.7"}
    )
    page.get_by_role("button", name="Upload User Data Transfer File").click()
    expect(page.get_by_role("alert")).to_be_visible()


def preview_of(world: World, *pairs: tuple[object, object]) -> str:
    return url("preview", upload(world.boss, *pairs).number)


def ready(world: World) -> str:
    return preview_of(world, *some_pairs(world))


def mistakes(world: World) -> str:
    """Create a preview whose rows have several kinds of mistakes, and return its URL."""
    p = [user.pk for user in world.people]
    name = world.people[3].name
    wrong = [
        (p[4], 7000777),
        (p[5], name),
        (p[6], '"1,234"'),
        (p[7], p[7]),
        (p[8], "=A2"),
        (p[9], p[10]),
        (p[11], p[10]),
    ]
    return preview_of(
        world, *some_pairs(world, 2), *wrong, ("", p[12]), *zip(p[13:22], p[23:32], strict=True)
    )


def pairs(world: World) -> str:
    """Create a preview of 25 ordinary pairs, and return its URL."""
    return preview_of(world, *some_pairs(world, 25))


def same_mistakes(world: World) -> str:
    """Create a preview whose rows repeat three kinds of mistakes, and return its URL."""
    wrong = ("#N/A", "0", "#N/A", "#N/A", '"1,234"', '"1,235"', "7000777", "7000778")
    users = [user.pk for user in world.people[10:]]
    return preview_of(world, *some_pairs(world, 3), *zip(users, wrong, strict=False))


def open_statuses(page: Page, world: World) -> None:
    for status in page.locator(".why summary").all()[:2]:
        status.click()


def busy(world: World) -> str:
    made = transfer(world.boss, some_pairs(world)[0], state=State.RUNNING)
    Participant.objects.bulk_create(Participant(user=user, transfer=made) for user in world.people[:2])
    return preview_of(world, (world.source, world.people[40]), *some_pairs(world, 3)[1:])


def busy_pair(world: World) -> str:
    busy(world)
    return f"{url('single')}?source={world.source.pk}&target={world.people[40].pk}"


def untouched(world: World) -> str:
    return preview_of(world, *((user.pk, "") for user in world.people[:12]))


def paged(world: World) -> str:
    return (
        preview_of(world, *((user.pk, 1_000_000 + n) for n, user in enumerate(world.people)))
        + "?rows=10&page=2"
    )


def cleared(world: World) -> str:
    draft = upload(world.boss, *some_pairs(world))
    for number in (2, 3):
        actions.clear_row(by=world.boss, transfer=draft, number=number)
    return url("preview", draft.number) + "?filter=cleared"


def counting(world: World) -> str:
    """Create a preview whose records are not counted yet, and return its URL."""
    draft = upload(world.boss, *some_pairs(world, 8))
    DraftRow.objects.filter(transfer=draft).update(counts=None, impact=None)
    return url("preview", draft.number)


def misnamed(world: World) -> str:
    """Create a preview of two rows with names of other users, one of them confirmed, and return its URL."""
    lines = [f"{p.pk},{q.pk},Zoë,Zimmer" for p, q in zip(world.people[:2], world.people[4:6], strict=True)]
    file = "\n".join(["From User ID,To User ID,First Name,Last Name", *lines]).encode()
    draft = actions.upload(by=world.boss, file_name="people.csv", stream=BytesIO(file))
    actions.confirm_name(by=world.boss, transfer=draft, number=2, user_id=world.source.pk)
    return url("preview", draft.number) + "?filter=all"


def corrections(world: World) -> str:
    """Create a preview of rows that belong to another one, where one of them was cleared, and return its URL."""
    wrong = [(user, 7000777) for user in world.people[10:13]]
    draft = upload(world.boss, *some_pairs(world), *wrong)
    file = BytesIO(b"".join(draft_errors_table(world.boss, draft).csv()))
    actions.clear_row(by=world.boss, transfer=draft, number=5)
    return url("preview", actions.upload(by=world.boss, file_name="people-errors.csv", stream=file).number)


def changed(world: World) -> str:
    draft = upload(world.boss, *some_pairs(world))
    actions.clear_row(by=world.boss, transfer=draft, number=2)
    return url("preview", draft.number)


def ask_to_discard(page: Page, world: World) -> None:
    page.locator("#discard").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()


def no_row_found(world: World) -> str:
    return ready(world) + "?q=qqq"


def bulk_draft(world: World) -> str:
    return url("transfer-confirmation", upload(world.boss, *some_pairs(world, 8)).number)


def type_another_number(page: Page, world: World) -> None:
    open_window(page, world)
    page.get_by_label("Type 3 to confirm").fill("4")
    page.get_by_role("button", name="Run Transfer for 3 users").click()
    expect(page.get_by_text("You typed 4.")).to_be_visible()


# --- Rehearsal -----------------------------------------------------------------------------------------------------


def rehearsed(world: World) -> Rehearsal:
    """Rehearse a draft, in which one row fails and one has other numbers than in the preview."""
    draft = upload(world.boss, *some_pairs(world, 4))
    rehearse(draft)
    rehearsal = draft.rehearsal
    report = report_of(rehearsal)
    report.failures[3] = Failure(**{name: FAILED[name] for name in ("code", "reason", "remedy")})
    report.differing.append(4)
    Rehearsal.objects.filter(pk=rehearsal.pk).update(report=report.to_json())
    return rehearsal


def rehearsal(world: World) -> str:
    return url("rehearsal", rehearsed(world).transfer.number)


def rehearsed_preview(world: World) -> str:
    return url("preview", rehearsed(world).transfer.number)


def rehearsal_of_single(world: World) -> str:
    draft = actions.start_single(by=world.boss, source_id=world.source.pk, target_id=world.target.pk)
    rehearse(draft)
    return url("rehearsal", draft.number)


def rehearsal_under_way(world: World) -> str:
    draft = upload(world.boss, *some_pairs(world, 4))
    actions.rehearse(by=world.boss, transfer=draft)
    return url("rehearsal", draft.number)


def new_rehearsal(world: World) -> str:
    return url("rehearsal", upload(world.boss, *some_pairs(world)).number)


def refused_rehearsal(world: World) -> str:
    return url("rehearsal", upload(world.boss, (world.source, 7000777)).number)


def press_rehearse(page: Page, world: World) -> None:
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_role("alert")).to_be_visible()


# --- A transfer ----------------------------------------------------------------------------------------------------


def detail(made: Transfer) -> str:
    return url("transfer-detail", made.number)


FAILED = {
    "state": PairState.FAILED,
    "code": "changed-after-confirmation",
    "reason": "Changed after confirmation: the Target User is a tenant administrator now.",
    "remedy": "Check the users, then retry this pair.",
}


def half_done(world: World) -> Transfer:
    made = transfer(world.boss, *some_pairs(world, 30), state=State.RUNNING, kind=Kind.BULK)
    begun = timezone.now() - timedelta(minutes=4)
    pairs = TransferPair.objects.filter(transfer=made)
    pairs.filter(row_number__lt=21).update(
        state=PairState.SUCCEEDED, started_at=begun, finished_at=timezone.now()
    )
    pairs.filter(row_number__in=(21, 22)).update(**FAILED, finished_at=timezone.now())
    return made


def running(world: World) -> str:
    return detail(half_done(world))


def stopping(world: World) -> str:
    made = half_done(world)
    Transfer.objects.filter(pk=made.pk).update(stop_requested_at=timezone.now())
    return detail(made)


def waiting(world: World) -> str:
    made = transfer(world.boss, *some_pairs(world), state=State.QUEUED, kind=Kind.BULK)
    Transfer.objects.filter(pk=made.pk).update(confirmed_at=timezone.now() - timedelta(minutes=3))
    return detail(made)


def queued(world: World) -> str:
    return detail(transfer(world.boss, some_pairs(world)[0], state=State.QUEUED))


def succeeded(world: World) -> str:
    return detail(run_single(world.boss, world.people[14], world.people[15]))


def bulk_succeeded(world: World) -> str:
    p = world.people
    return detail(run_bulk(world.boss, *zip(p[16:19], p[20:23], strict=True)))


def with_errors(world: World) -> str:
    p = world.people
    made = run_bulk(world.boss, *zip(p[24:30], p[30:36], strict=True))
    TransferPair.objects.filter(transfer=made, row_number__in=(3, 5)).update(**FAILED, counts={})
    Transfer.objects.filter(pk=made.pk).update(state=State.FINISHED_WITH_ERRORS)
    return detail(made)


def stopped(world: World) -> str:
    made = transfer(world.boss, *some_pairs(world, 6), state=State.STOPPED, kind=Kind.BULK)
    TransferPair.objects.filter(transfer=made, row_number__gt=4).update(state=PairState.NOT_STARTED)
    return detail(made)


def listed(world: World) -> str:
    with_errors(world)
    stopped(world)
    transfer(world.boss, some_pairs(world)[0])
    running(world)
    return url("transfer-list")


def busy_home(world: World) -> str:
    """The start page with a running transfer, unfinished previews and results."""
    listed(world)
    upload(world.boss, *some_pairs(world, 3))
    mistakes(world)
    return url("transfer-home")


def found(world: World) -> str:
    listed(world)
    return f"{url('transfer-list')}?user={world.people[26].first_name}"


def user_with_transfers(world: World) -> str:
    listed(world)
    return accounts.url("user-edit", world.people[26].pk)


def audited(world: World) -> str:
    """The audit log after a bulk transfer."""
    with_errors(world)
    return url("audit-log")


# --- Errors -----------------------------------------------------------------------------------------------


def error_page(status: str) -> PageState:
    """Return the state of an error page, which is rendered from its template and served in place of the help page."""

    def show(page: Page, world: World) -> None:
        # Raise the 503 page's reload delay from five seconds to an hour, so that every width can be checked.
        html = loader.render_to_string(f"{status}.html").replace('content="5"', 'content="3600"')
        page.route("**/help/?shown", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto("/help/?shown")
        page.unroute("**/help/?shown")

    return PageState(at("/help/"), show)


def sign_in_wrongly(page: Page, world: World) -> None:
    page.get_by_label("User name or email").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def open_user_menu(page: Page, world: World) -> None:
    page.locator(".user summary").click()


STATES: dict[str, PageState] = {
    "audit-empty": PageState(at("/audit/?kind=stop-requested&person=qqq")),
    "sign-in": PageState(at("/sign-in/"), who=""),
    "sign-in-failed": PageState(at("/sign-in/"), sign_in_wrongly, who=""),
    "second-step": PageState(signing.with_second_step, signing.second_step, who=""),
    "second-step-wrong": PageState(signing.with_second_step, signing.second_step_wrong, who=""),
    "locked-out": PageState(signing.with_password, signing.locked, who=""),
    "new-password": PageState(at("/new-password/"), who=""),
    "new-password-sent": PageState(at("/new-password/sent/"), who=""),
    "new-password-link": PageState(at("/new-password/1-made-up/"), who=""),
    "sign-in-again": PageState(signing.with_password, signing.reached("/sign-in/again/"), who=""),
    "security": PageState(signing.with_password, signing.reached("/security/"), who=""),
    "security-full": PageState(signing.with_password, signing.with_everything, who=""),
    "app": PageState(signing.with_password, signing.reached("/security/app/"), who=""),
    "passkey": PageState(signing.with_password, signing.reached("/security/passkeys/add/"), who=""),
    "recovery-codes": PageState(signing.with_password, signing.with_codes, who=""),
    "password": PageState(signing.with_password, signing.reached("/security/password/"), who=""),
    "password-refused": PageState(signing.with_password, signing.refused_password, who=""),
    "home": PageState(at("/transfer/")),
    "home-busy": PageState(busy_home),
    "home-limited": PageState(at("/transfer/"), who="operator"),
    "user-menu": PageState(at("/transfer/"), open_user_menu),
    "single-empty": PageState(at("/transfer/single/")),
    "single-options": PageState(at("/transfer/single/"), open_options),
    "single-nobody-found": PageState(at("/transfer/single/"), find_nobody),
    "single-same-user": PageState(same_user),
    "single": PageState(pair),
    "single-busy": PageState(busy_pair),
    "single-window": PageState(pair, open_window),
    "single-window-changed": PageState(pair, confirm_what_changed),
    "single-confirmation": PageState(single_draft),
    "bulk": PageState(at("/transfer/bulk/")),
    "bulk-drafts": PageState(drafts),
    "bulk-refused": PageState(at("/transfer/bulk/"), refuse_file),
    "preview": PageState(mistakes),
    "preview-ready": PageState(ready),
    "preview-pairs": PageState(pairs, open_statuses),
    "preview-same-mistakes": PageState(same_mistakes, open_statuses),
    "preview-busy": PageState(busy),
    "preview-untouched": PageState(untouched),
    "preview-paged": PageState(paged),
    "preview-cleared": PageState(cleared),
    "preview-counting": PageState(counting),
    "preview-misnamed": PageState(misnamed),
    "preview-corrections": PageState(corrections),
    "preview-discard": PageState(changed, ask_to_discard),
    "preview-no-row-found": PageState(no_row_found),
    "bulk-window": PageState(ready, open_window),
    "bulk-window-wrong-number": PageState(ready, type_another_number),
    "bulk-confirmation": PageState(bulk_draft),
    "preview-rehearsed": PageState(rehearsed_preview),
    "rehearsal": PageState(rehearsal),
    "rehearsal-single": PageState(rehearsal_of_single),
    "rehearsal-running": PageState(rehearsal_under_way),
    "rehearsal-new": PageState(new_rehearsal),
    "rehearsal-refused": PageState(refused_rehearsal, press_rehearse),
    "queued": PageState(queued),
    "waiting": PageState(waiting),
    "running": PageState(running),
    "stopping": PageState(stopping),
    "succeeded": PageState(succeeded),
    "bulk-succeeded": PageState(bulk_succeeded),
    "with-errors": PageState(with_errors),
    "stopped": PageState(stopped),
    "undo-single": PageState(undo.single),
    "undo-preview": PageState(undo.preview),
    "undo-ready": PageState(undo.ready),
    "undo-window": PageState(undo.ready, undo.open_window),
    "undo-confirmation": PageState(undo.confirmation),
    "undo-result": PageState(undo.result),
    "undone-in-part": PageState(undo.undone),
    "transfers-empty": PageState(at("/transfers/")),
    "transfers": PageState(listed),
    "transfers-none-match": PageState(at("/transfers/?user=qqq")),
    "transfers-found": PageState(found),
    "audit": PageState(audited),
    "help": PageState(at("/help/")),
    "403": PageState(at("/audit/"), who="operator"),
    "404": PageState(at("/transfers/987654321/")),
    "users": PageState(at("/users/"), who="chief"),
    "user-deactivate": PageState(at("/users/"), accounts.ask_to_deactivate, who="chief"),
    "user-activity": PageState(accounts.activity, who="chief"),
    "user-with-transfers": PageState(user_with_transfers, who="chief"),
    "users-none-match": PageState(at("/users/?q=qqq"), who="chief"),
    "user-new": PageState(at("/users/new/"), who="chief"),
    "user-new-errors": PageState(at("/users/new/"), accounts.send_empty, who="chief"),
    "user": PageState(accounts.user, who="chief"),
    "user-stale": PageState(accounts.user, accounts.send_stale, who="chief"),
    "user-after-a-while": PageState(accounts.user, accounts.send_after_a_while, who="chief"),
    "user-own": PageState(accounts.own, who="chief"),
    "views": PageState(at("/views/"), who="chief"),
    "view-new": PageState(at("/views/new/"), who="chief"),
    "view": PageState(accounts.view, who="chief"),
    "view-found": PageState(accounts.view_found, who="chief"),
    "view-delete": PageState(accounts.view_delete, who="chief"),
    "view-enterprise": PageState(accounts.enterprise, who="chief"),
    "roles": PageState(at("/roles/"), who="chief"),
    "role-new-errors": PageState(at("/roles/new/"), accounts.send_empty, who="chief"),
    "role": PageState(accounts.role, who="chief"),
    "role-free": PageState(accounts.free_role, who="chief"),
    "import": PageState(at("/users/import/"), who="chief"),
    "import-refused": PageState(at("/users/import/"), accounts.refuse_import, who="chief"),
    "import-preview": PageState(at("/users/import/"), accounts.import_users, who="chief"),
    "import-errors": PageState(at("/users/import/"), accounts.import_mistakes, who="chief"),
    **{status: error_page(status) for status in ("400", "403_csrf", "413", "429", "500", "503")},
}


def show(name: str, page: Page, server: LiveServer, world: World) -> None:
    """Open the page in the named state, after deleting the transfers of earlier states."""
    state = STATES[name]
    page.goto("about:blank")  # stop polling for a transfer that is about to be deleted
    forget_transfers()
    address = state.make(world)
    enter(page, server, getattr(world, state.who) if state.who else None)
    page.goto(address)
    if state.act:
        state.act(page, world)
