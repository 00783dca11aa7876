"""Pages that list, create and change users."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Request, access_user, requires
from accounts.models import User
from accounts.people import actions
from accounts.people.actions.users import reason_not_to_change
from accounts.people.changes import fingerprint, state_of_user
from accounts.people.filters import UserFilter
from accounts.people.forms import UserForm
from accounts.people.search import within_scope
from accounts.people.views.storing import store
from accounts.permissions import Permission
from accounts.scope import is_above
from accounts.signing_in.sessions.lifetime import ask_again, sign_in_again_url, signed_in_recently
from web.client_address import address_of
from web.filtering import in_use, render_list
from web.paging import page_of, query_without, rows_per_page

KEPT = '<span translate="no">{}</span>'  # a name that the browser must not translate
CREATED = (
    "{name} was created without a password. To set one, they choose “Forgot your password?” on the sign-in page and"
    " receive a link by email."
)
CREATED_WITHOUT_MAIL = (
    "{name} was created without a password. They can sign in with your organisation's identity provider, or with a"
    " password that is set on the server with manage.py set_password."
)
ACTIVATED = "{} is active and can sign in."
DEACTIVATED = "{} is inactive, was signed out and can no longer sign in."
SIGN_IN_FIRST = (
    'Your last sign-in was some time ago. <a href="{}" target="_blank">Sign in again in another tab</a>, then come back'
    " and press the button again. Nothing has been saved yet."
)


@require_safe
@requires(Permission.MANAGE_USERS)
def user_list(request: Request) -> HttpResponse:
    chosen = UserFilter(request.GET, queryset=listed(request.user), request=request)
    context = {
        "filter": chosen,
        "page": page_of(request, chosen.qs),
        "rows": rows_per_page(request),
        "query": query_without(request, "page", "rows"),
        "in_use": in_use(chosen),
    }
    return render_list(request, "accounts/user_list.html", context)


def listed(person: User) -> QuerySet[User]:
    """Return the users whom the person may see. `outranks` says that the person may not change this one."""
    return within_scope(person).prefetch_related("roles").annotate(outranks=is_above(person))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_USERS)
def user_new(request: Request) -> HttpResponse:
    form = UserForm(request.POST if request.method == "POST" else None, person=request.user)
    if form.is_valid() and has_signed_in_recently(request, form):
        user = store(request, form, actions.create_user, fields=form.values)
        if user:
            sentence = CREATED if settings.PASSWORD_RESET_BY_MAIL else CREATED_WITHOUT_MAIL
            messages.success(request, format_html(sentence, name=format_html(KEPT, user.name)))
            return redirect("accounts:user-list")
    return render_user_form(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_USERS)
def user_edit(request: Request, user_id: int) -> HttpResponse:
    user = access_user(request.user, user_id)
    if request.method == "POST":
        return save_user(request, user)
    form = UserForm(initial=initial_of(user), person=request.user, user=user)
    return render_user_form(request, form, user, reason=reason_not_to_change(request.user, user))


def save_user(request: Request, user: User) -> HttpResponse:
    """Save the user and return to the list, or show the form again with what was typed and what is wrong."""
    form = UserForm(request.POST, person=request.user, user=user)
    if form.is_valid() and has_signed_in_recently(request, form):
        facts = {"user_id": user.pk, "fields": form.values, "was": form.cleaned_data["was"]}
        if store(request, form, actions.change_user, **facts):
            messages.success(request, format_html(f"{KEPT} was saved.", form.values.username))
            return redirect("accounts:user-list")
    return render_user_form(request, form, user)


def has_signed_in_recently(request: Request, form: UserForm) -> bool:
    """Return whether the person signed in recently; if not, add an error to the form.

    An open session is not enough, because whoever changes a user's email can sign in as that user. The person signs in
    again in another tab, and the form keeps what was typed.
    """
    if signed_in_recently(request):
        return True
    form.add_error(None, format_html(SIGN_IN_FIRST, sign_in_again_url(reverse("accounts:security"))))
    return False


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_USERS)
def user_activity(request: Request, user_id: int) -> HttpResponse:
    """Ask whether to activate or deactivate the user, and do it if the answer is posted."""
    user = access_user(request.user, user_id)
    if request.method != "POST":
        part = "#window" if request.htmx else ""
        return render(request, f"accounts/user_activity.html{part}", {"edited": user})
    if not signed_in_recently(request):
        return ask_again(request, reverse("accounts:user-activity", args=[user.pk]))
    return set_activity(request, user)


def set_activity(request: Request, user: User) -> HttpResponse:
    """Make the user active or inactive, as the posted value says. The other fields stay as they are."""
    active = request.POST.get("active") == "yes"
    try:
        actions.set_active(by=request.user, user_id=user.pk, active=active, address=address_of(request))
    except actions.Refused as refused:
        messages.error(request, f"{refused} Nothing was changed.")
    else:
        messages.success(
            request, format_html(ACTIVATED if active else DEACTIVATED, format_html(KEPT, user.name))
        )
    return redirect("accounts:user-list")


def initial_of(user: User) -> dict[str, Any]:
    names = ("username", "first_name", "last_name", "email", "employee_id", "is_active")
    return {name: getattr(user, name) for name in names} | {
        "team": user.team_id,
        "roles": [role.pk for role in user.roles.all()],
        "views": [view.pk for view in user.access_views.all()],
        "was": fingerprint(state_of_user(user)),
    }


def render_user_form(request: Request, form: UserForm, user: User | None = None, **more: Any) -> HttpResponse:
    context = {
        "form": form,
        "edited": user,
        "own": user == request.user,
        "new_password_by_mail": settings.PASSWORD_RESET_BY_MAIL,
        **more,
    }
    return render(request, "accounts/user_form.html", context, status=422 if form.errors else 200)
