"""Actions on all rows of a preview that have the same problem, and on all cleared rows."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.access import Request, requires
from accounts.permissions import Permission
from transfers import actions
from transfers.models import Transfer
from transfers.views.preview import draft_view, preview_context
from transfers.views.preview_filter import count_words
from web.client_address import address_of
from web.post_only import post_only
from wording.phrases import counted

CHANGED_MEANWHILE = (
    "Nothing was changed: the rows are no longer the ones that you saw. Check them, then try again."
)


def group_view(view: Callable[..., str]) -> Callable[..., HttpResponseBase]:
    """Decorate a view that changes the rows of a draft and returns what was done, or "" if nothing was changed.

    The view receives the number of rows that the person was shown.
    """

    @post_only
    @requires(Permission.TRANSFER_BULK)
    @draft_view
    @wraps(view)
    def page(request: Request, draft: Transfer, **kwargs: str) -> HttpResponse:
        return show_result(request, draft, view(request, draft, count=shown_count(request), **kwargs))

    return page


@group_view
def preview_group_cleared(request: Request, draft: Transfer, problem: str, count: int) -> str:
    changed = actions.clear_rows(
        by=request.user, transfer=draft, problem=problem, count=count, address=address_of(request)
    )
    return f"{counted(count, 'row')} cleared." if changed else ""


@group_view
def preview_group_corrected(request: Request, draft: Transfer, problem: str, count: int) -> str:
    """Accept the suggestions for all rows of the group."""
    changed = actions.accept_suggestions(
        by=request.user, transfer=draft, problem=problem, count=count, address=address_of(request)
    )
    return f"{counted(count, 'suggestion')} used." if changed else ""


@group_view
def preview_rows_restored(request: Request, draft: Transfer, count: int) -> str:
    changed = actions.restore_rows(by=request.user, transfer=draft, count=count, address=address_of(request))
    return f"{counted(count, 'row')} restored." if changed else ""


def shown_count(request: Request) -> int:
    text = str(request.POST.get("count", ""))
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def show_result(request: Request, draft: Transfer, done: str) -> HttpResponse:
    """Show the preview again, with what was done. The focus moves to the first group that is left."""
    if not request.htmx:
        messages.add_message(
            request, messages.SUCCESS if done else messages.WARNING, done or CHANGED_MEANWHILE
        )
        query = request.GET.urlencode()
        return redirect(f"{reverse('transfers:preview', args=[draft.number])}?{query}")
    draft.refresh_from_db()
    context = preview_context(request, draft)
    rest = ", ".join(count_words(context["summary"])) or "No rows selected"
    context["announce"] = f"{done or CHANGED_MEANWHILE} {rest}."
    context["notice"] = "" if done else CHANGED_MEANWHILE
    context["focus"] = 0
    return render(request, "transfers/preview.html#preview", context)
