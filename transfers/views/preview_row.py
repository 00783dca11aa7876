"""Actions on one row of a preview: correct, clear, restore or recheck it."""

from collections.abc import Callable, Iterable
from functools import wraps

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from accounts.access import Request, requires
from accounts.permissions import Permission
from transfers import actions
from transfers.models import DraftRow, Transfer
from transfers.planning.preview import Line, Status, Summary
from transfers.validation import problem_kinds
from transfers.views.bulk import redirect_to
from transfers.views.preview import draft_view, preview_context
from transfers.views.preview_filter import count_words
from web.client_address import address_of
from web.post_only import post_only

MAX_CELL_LENGTH = 200
WAS_CLEARED = "Row {} had been cleared. It is selected again, because you changed it."
NOT_CONFIRMED = "Row {} was changed in the meantime. Nothing was confirmed."


def row_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Decorate a POST view to receive a row of the person's draft. Each of these views rechecks the entire draft."""

    @post_only
    @requires(Permission.TRANSFER_BULK)
    @draft_view
    @wraps(view)
    def page(request: Request, draft: Transfer, number: int) -> HttpResponse:
        row = get_object_or_404(DraftRow, transfer=draft, number=number)
        try:
            return view(request, draft, row)
        except DraftRow.DoesNotExist:  # the draft has just been discarded in another tab
            return redirect_to(request, reverse("transfers:bulk"))

    return page


@row_view
def preview_row(request: Request, draft: Transfer, row: DraftRow) -> HttpResponse:
    """Store the typed IDs in the row."""
    cells = {name: typed(request.POST, name) for name in ("to_text", "from_text") if name in request.POST}
    is_suggested = is_suggestion(row, cells.values())
    was_cleared = row.status == Status.CLEARED
    cells.setdefault("to_text", row.to_text)
    actions.fix_row(by=request.user, transfer=draft, number=row.number, address=address_of(request), **cells)
    return show_row(
        request,
        draft,
        row,
        is_button_gone="swap" in request.POST,
        is_suggestion_gone=is_suggested,
        said=WAS_CLEARED.format(row.number) if was_cleared else "",
    )


@row_view
def preview_row_confirmed(request: Request, draft: Transfer, row: DraftRow) -> HttpResponse:
    """Accept that the row means the user whose ID is in it, although its name is another."""
    user = request.POST.get("user", "")
    user_id = int(user) if user.isdecimal() and len(user) < 19 else 0
    done = actions.confirm_name(
        by=request.user, transfer=draft, number=row.number, user_id=user_id, address=address_of(request)
    )
    return show_row(
        request, draft, row, is_suggestion_gone=True, said="" if done else NOT_CONFIRMED.format(row.number)
    )


@row_view
def preview_row_cleared(request: Request, draft: Transfer, row: DraftRow) -> HttpResponse:
    actions.clear_row(by=request.user, transfer=draft, number=row.number, address=address_of(request))
    return show_row(request, draft, row)


@row_view
def preview_row_restored(request: Request, draft: Transfer, row: DraftRow) -> HttpResponse:
    actions.restore_row(by=request.user, transfer=draft, number=row.number, address=address_of(request))
    return show_row(request, draft, row)


@row_view
def preview_row_check(request: Request, draft: Transfer, row: DraftRow) -> HttpResponse:
    actions.check_again(by=request.user, transfer=draft)
    row.refresh_from_db()
    is_busy = any(problem["code"] == problem_kinds.BUSY.code for problem in row.problems)
    return show_row(request, draft, row, is_button_gone=not is_busy)


def is_suggestion(row: DraftRow, texts: Iterable[str]) -> bool:
    """Return whether one of the texts was suggested, so that its button disappears."""
    suggested = {str(problem["suggestion"]) for problem in row.problems}
    return any(text in suggested for text in texts)


def typed(post: QueryDict, name: str) -> str:
    """Return the typed text without NUL, which PostgreSQL cannot store, cut off after MAX_CELL_LENGTH characters."""
    return str(post[name]).replace("\0", "")[:MAX_CELL_LENGTH]


def show_row(
    request: Request,
    draft: Transfer,
    row: DraftRow,
    *,
    is_button_gone: bool = False,
    is_suggestion_gone: bool = False,
    said: str = "",
) -> HttpResponse:
    """Show the same page of the list again. The row stays listed even if the filter no longer matches it.

    is_button_gone: the pressed button is no longer shown, so another button of the row gets the focus.
    is_suggestion_gone: the same for the button of a suggestion, so the row's To User ID gets the focus.
    said: what the person has to know about the change.
    """
    if not request.htmx:
        if said:
            messages.warning(request, said)
        query = request.GET.urlencode()
        return redirect(f"{reverse('transfers:preview', args=[draft.number])}?{query}#row-{row.number}")
    draft.refresh_from_db()
    row.refresh_from_db()
    context = preview_context(request, draft, edited=row.number)
    context["announce"] = f"{said} {announcement(context['summary'], row)}".strip()
    context["said"] = {row.number: said} if said else {}
    if row.status == Status.CLEARED:
        context["focus"] = next_row(context["lines"], row.number)
    elif is_button_gone:
        context["focus"] = row.number
    elif is_suggestion_gone:
        context["focus_cell"] = row.number
    return render(request, "transfers/preview.html#preview", context)


def next_row(lines: list[Line], number: int) -> int:
    """Return the row that gets the focus after this one was cleared, or 0 for the heading if no row is left."""
    after = (line.row.number for line in lines if line.row.number > number)
    return next(after, lines[-1].row.number if lines else 0)


def announcement(summary: Summary, row: DraftRow) -> str:
    """Return the text for screen readers: the row's new status and the number of rows by status."""
    rest = ", ".join(count_words(summary))
    return f"Row {row.number}: {row.get_status_display()}. {rest or 'No rows selected'}."
