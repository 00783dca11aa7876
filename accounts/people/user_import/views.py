"""Pages for importing users (upload, preview, confirmation) and for exporting them with the same columns."""

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Request, requires
from accounts.models import User
from accounts.people.actions import Refused
from accounts.people.user_import import actions
from accounts.people.user_import.correcting import errors_table
from accounts.people.user_import.models import UserImport
from accounts.people.user_import.outcome import CHANGED, CREATED, ERROR, UNCHANGED, Outcome, counts, digest
from accounts.people.user_import.problem_groups import problem_groups
from accounts.people.user_import.reader import COLUMNS, USERS_CSV
from accounts.permissions import Permission
from accounts.scope import roles_within_reach, views_within_reach, visible_users
from accounts.signing_in.sessions.lifetime import ask_again, signed_in_recently
from audit import log as audit_log
from spreadsheets.problem_kinds import NO_FILE
from spreadsheets.rejection import FileRejected
from spreadsheets.writer import Table
from web.client_address import address_of
from web.downloads import table_download
from web.paging import page_of, query_without, rows_per_page
from web.post_only import post_only
from web.uploads import limit_uploads
from wording.phrases import counted
from wording.problems import Problem

PLACE = "/users/"  # the navigation entry to highlight
BATCH = 2000
# Kinds of outcomes in the order shown, each with its tone, its icon and its word in the preview.
KINDS = (
    (ERROR, "error", "error", "error"),
    (CREATED, "success", "check", "to create"),
    (CHANGED, "info", "draft", "to change"),
    (UNCHANGED, "neutral", "minus", "unchanged"),
)
WARNING = "warning"  # shows the rows with warnings, whatever the import would do with them
CHANGED_MEANWHILE = (
    "The effect of this import has changed since the preview was shown. Nothing was stored. "
    "Check the preview again."
)
NOT_CHECKED = "Nothing was stored. First check the values with a warning, and tick the box to confirm them."


@csrf_exempt  # the CSRF check reads the body, so `receive` does it after the access check and the upload limit
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_USERS)
def user_import(request: Request) -> HttpResponse:
    if request.method == "POST":
        limit_uploads(request)
        return receive(request)
    return ask_for_file(request)


@csrf_protect
def receive(request: Request) -> HttpResponse:
    """Redirect to the preview of the file, or show the page again with the reason why it was rejected."""
    file = request.FILES.get("file")
    if file is None:
        return ask_for_file(request, NO_FILE(choose=USERS_CSV.choose))
    earlier = UserImport.objects.filter(made_by=request.user).first()
    try:
        waiting = actions.upload(
            by=request.user,
            file_name=file.name or "",
            stream=cast(BinaryIO, file),
            address=address_of(request),
        )
    except FileRejected as rejected:
        return ask_for_file(request, rejected.problem)
    if earlier and waiting.pk == earlier.pk:
        messages.success(request, "The corrected rows took their places in the file.")
    return redirect("user_import:preview")


def ask_for_file(request: Request, *problems: Problem) -> HttpResponse:
    context = {
        "problems": problems,
        "columns": COLUMNS,
        "waiting": UserImport.objects.filter(made_by=request.user).first(),
        "place": PLACE,
    }
    return render(request, "user_import/user_import.html", context, status=422 if problems else 200)


@require_safe
@requires(Permission.MANAGE_USERS)
def preview(request: Request) -> HttpResponse:
    waiting = UserImport.objects.filter(made_by=request.user).first()
    if waiting is None:
        return redirect("user_import:user-import")
    return show(request, waiting)


def show(request: Request, waiting: UserImport) -> HttpResponse:
    outcomes = actions.outcomes_of(request.user, waiting)
    numbers, groups = counts(outcomes), problem_groups(outcomes)
    chosen = request.GET.get("show", "")
    warned = [outcome for outcome in outcomes if outcome.warnings]
    listed = chosen_of(outcomes, chosen) or outcomes
    page = page_of(request, listed)
    context = {
        "waiting": waiting,
        "notes": [Problem.from_json(note) for note in waiting.notes],
        "numbers": numbers,
        "links": links(numbers),
        "groups": groups,
        "right": len(outcomes) - numbers[ERROR],
        "warned": len(warned),
        "chosen": chosen if listed is not outcomes else "",
        "all": len(outcomes),
        "page": page,
        "lines": lines(list(page.object_list)),
        "seen": digest(outcomes),
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows"),
        "place": PLACE,
    }
    return render(request, "user_import/preview.html", context)


def chosen_of(outcomes: list[Outcome], chosen: str) -> list[Outcome]:
    """Return the outcomes of a kind, with a warning, or with the kind of error that has this code."""
    if chosen == WARNING:
        return [outcome for outcome in outcomes if outcome.warnings]
    return [
        outcome
        for outcome in outcomes
        if outcome.kind == chosen or any(problem.code == chosen for problem in outcome.problems)
    ]


def links(numbers: Any) -> list[dict[str, Any]]:
    """Return what the template needs for a link to the rows of each kind: "1 error", "2 errors" or "2 to create".

    Kinds without rows are left out.
    """
    return [
        {
            "kind": kind,
            "tone": tone,
            "icon": icon,
            "number": numbers[kind],
            "word": "errors" if kind == ERROR and numbers[kind] > 1 else word,
        }
        for kind, tone, icon, word in KINDS
        if numbers[kind]
    ]


def lines(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    looks = {kind: {"tone": tone, "icon": icon, "word": word} for kind, tone, icon, word in KINDS}
    return [
        looks[outcome.kind]
        | {
            "outcome": outcome,
            "login": outcome.row.cells.get("User Name", ""),
        }
        for outcome in outcomes
    ]


@post_only
@requires(Permission.MANAGE_USERS)
def confirmation(request: Request) -> HttpResponse:
    if not signed_in_recently(request):
        return ask_again(request, reverse("user_import:preview"))
    try:
        created, changed = actions.confirm(
            by=request.user,
            seen=request.POST.get("seen", ""),
            checked="checked" in request.POST,
            address=address_of(request),
        )
    except actions.WarningsNotChecked:
        messages.error(request, NOT_CHECKED)
        return redirect("user_import:preview")
    except actions.ImportChanged:
        messages.error(request, CHANGED_MEANWHILE)
        return redirect("user_import:preview")
    except Refused as refused:
        messages.error(request, f"{refused} Nothing was stored.")
        return redirect("user_import:preview")
    messages.success(request, f"The file was imported: {created:,} created, {changed:,} changed.")
    return redirect("accounts:user-list")


@require_safe
@requires(Permission.MANAGE_USERS)
def errors(request: Request) -> HttpResponseBase:
    """Download the rows with errors, to be corrected and uploaded."""
    waiting = UserImport.objects.filter(made_by=request.user).first()
    if waiting is None:
        return redirect("user_import:user-import")
    return table_download(request, "users-errors", errors_table(actions.outcomes_of(request.user, waiting)))


@post_only
@requires(Permission.MANAGE_USERS)
def left_out(request: Request) -> HttpResponse:
    """Remove the rows with errors from the file, so that the others can be imported."""
    number = actions.leave_out_errors(by=request.user)
    messages.success(request, f"{counted(number, 'row')} left out. Nothing has been stored yet.")
    return redirect("user_import:preview")


@post_only
@requires(Permission.MANAGE_USERS)
def discard(request: Request) -> HttpResponse:
    actions.discard(by=request.user)
    messages.success(request, "The file was discarded. Nothing was stored.")
    return redirect("user_import:user-import")


@require_safe
@requires(Permission.MANAGE_USERS)
def users_csv(request: Request) -> HttpResponseBase:
    """Export all users whom the person can see as a file that can be edited and imported again."""
    person = request.user
    users = visible_users(person)
    audit_log.record(
        "user-list-exported",
        tenant_id=person.tenant_id,
        by=person,
        address=address_of(request),
        users=users.count(),
    )
    return table_download(request, "users", Table(COLUMNS, rows_of(person)))


def rows_of(person: User) -> Iterator[tuple[object, ...]]:
    """Yield a row for each user whom `person` can see.

    The row contains only the roles and views that `person` may assign. `person` may neither see nor change the others.
    """
    roles = set(roles_within_reach(person).values_list("pk", flat=True))
    views = set(views_within_reach(person).values_list("pk", flat=True))
    users = visible_users(person).select_related("team").prefetch_related("roles", "access_views")
    for user in users.order_by("pk").iterator(chunk_size=BATCH):
        yield (
            user.username,
            user.first_name,
            user.last_name,
            user.email,
            user.employee_id,
            user.team.name if user.team else "",
            "yes" if user.is_active else "no",
            "; ".join(role.name for role in user.roles.all() if role.pk in roles),
            "; ".join(view.name for view in user.access_views.all() if view.pk in views),
        )
