from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path


def sign_in(request: HttpRequest) -> HttpResponse:
    """Takes everybody's word: `username`, `email`, and `first_name` for a mark that Claims reads."""
    if request.method != "POST":
        return HttpResponse("Who are you?")
    wanted = {name: request.POST.get(name, "") for name in ("email", "first_name")}
    user, _ = User.objects.update_or_create(username=request.POST["username"], defaults=wanted)
    login(request, user)
    return redirect(request.GET["next"])


urlpatterns = [
    path("login/", sign_in),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
