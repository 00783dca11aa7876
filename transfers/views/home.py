"""The start page: the choice between a single and a bulk transfer."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import public, signed_in


@require_safe
@public
def root(request: HttpRequest) -> HttpResponse:
    return redirect("transfers:transfer-home")


@require_safe
@signed_in
def transfer_home(request: HttpRequest) -> HttpResponse:
    return render(request, "transfers/transfer_home.html")
