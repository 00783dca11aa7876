from datetime import timedelta

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path
from django.utils import timezone


def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in the user named in the form, without a password.

    The form has the fields `username`, `email`, `first_name` (see `Claims`), and `long_ago`, which dates the sign-in
    back by an hour.
    """
    if request.method != "POST":
        return HttpResponse("Who are you?")
    wanted = {name: request.POST.get(name, "") for name in ("email", "first_name")}
    user, _ = User.objects.update_or_create(username=request.POST["username"], defaults=wanted)
    login(request, user)
    if request.POST.get("long_ago"):
        User.objects.filter(pk=user.pk).update(last_login=timezone.now() - timedelta(hours=1))
    return redirect(request.GET["next"])


urlpatterns = [
    path("login/", sign_in),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
