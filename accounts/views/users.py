"""The users of a person's view: the list, a new one, and changing one."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions
from accounts.actions.users import reason_not_to_change
from accounts.changes import fingerprint, state_of_user
from accounts.doors import Request, access_user, requires
from accounts.filters import UserFilter
from accounts.forms_people import UserForm
from accounts.models import User
from accounts.paging import page_of, query_without, rows_per_page
from accounts.permissions import Permission
from accounts.search import within_scope
from accounts.sessions import signed_in_recently, way_to_sign_in_again
from accounts.views.storing import store

CREATED = (
    "{name} was created, without a password. They set one themselves: “Set a new password by mail” on the sign-in page"
    " sends a link to their email."
)
CREATED_WITHOUT_MAIL = (
    "{name} was created, without a password. They sign in with your organisation's provider, or once a password is set"
    " on the server, by manage.py set_password."
)
SIGN_IN_FIRST = (
    'Your last sign-in was some time ago. <a href="{}" target="_blank">Sign in again in another tab</a>, then come back'
    " and press the button once more. Nothing was saved yet."
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
        "in_use": chosen.in_use,
    }
    return render(request, "accounts/user_list.html", context)


def listed(person: User) -> QuerySet[User]:
    return within_scope(person).prefetch_related("roles")


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_USERS)
def user_new(request: Request) -> HttpResponse:
    form = UserForm(request.POST if request.method == "POST" else None, person=request.user)
    if form.is_valid() and proves_it_is_them(request, form):
        user = store(request, form, actions.create_user, fields=form.values)
        if user:
            sentence = CREATED if settings.PASSWORD_RESET_BY_MAIL else CREATED_WITHOUT_MAIL
            messages.success(request, sentence.format(name=user.name))
            return redirect("accounts:user-list")
    return show(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.MANAGE_USERS)
def user_edit(request: Request, user_id: int) -> HttpResponse:
    user = access_user(request.user, user_id)
    if request.method == "POST":
        return change(request, user)
    form = UserForm(initial=initial_of(user), person=request.user, user=user)
    return show(request, form, user, reason=reason_not_to_change(request.user, user))


def change(request: Request, user: User) -> HttpResponse:
    """Saves it and leads back to the list; whatever stands in the way is said in the form, which keeps its values."""
    form = UserForm(request.POST, person=request.user, user=user)
    if form.is_valid() and proves_it_is_them(request, form):
        facts = {"user_id": user.pk, "fields": form.values, "was": form.cleaned_data["was"]}
        if store(request, form, actions.change_user, **facts):
            messages.success(request, f"{form.values.username} was saved.")
            return redirect("accounts:user-list")
    return show(request, form, user)


def proves_it_is_them(request: Request, form: UserForm) -> bool:
    """Who changes an email can sign in as its owner, so a session left open is not enough.

    The proof is asked for beside the form, which keeps what was typed.
    """
    if signed_in_recently(request):
        return True
    form.add_error(None, format_html(SIGN_IN_FIRST, way_to_sign_in_again(reverse("accounts:security"))))
    return False


def initial_of(user: User) -> dict[str, Any]:
    names = ("username", "first_name", "last_name", "email", "employee_id", "is_active")
    return {name: getattr(user, name) for name in names} | {
        "team": user.team_id,
        "roles": [role.pk for role in user.roles.all()],
        "views": [view.pk for view in user.access_views.all()],
        "was": fingerprint(state_of_user(user)),
    }


def show(request: Request, form: UserForm, user: User | None = None, **more: Any) -> HttpResponse:
    context = {
        "form": form,
        "edited": user,
        "own": user == request.user,
        "new_password_by_mail": settings.PASSWORD_RESET_BY_MAIL,
        **more,
    }
    return render(request, "accounts/user_form.html", context, status=422 if form.errors else 200)
