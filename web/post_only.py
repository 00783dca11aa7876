"""Views that accept only POST requests, and where a GET request of such an address leads."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import Resolver404, resolve


def post_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let POST requests through, and redirect GET requests to the nearest page above the address.

    Browsers request the address of a form by GET if the session had ended when the form was sent: signing in leads
    back to that address. The request itself is not repeated.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            return view(request, *args, **kwargs)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["POST"])
        query = request.META.get("QUERY_STRING", "")
        return redirect(page_above(request.path_info) + (f"?{query}" if query else ""))

    marked: Any = page
    marked.is_post_only = True
    return page


def page_above(path: str) -> str:
    """Return the nearest address above `path` that has a page for GET requests. The path ends with a slash."""
    while path != "/":
        path = path.rstrip("/").rpartition("/")[0] + "/"
        try:
            found = resolve(path)
        except Resolver404:
            continue
        if not getattr(found.func, "is_post_only", False):
            break
    return path
