"""Lists with filters. htmx requests the list again while a filter is typed or chosen; the form works without it."""

from typing import Any

from django import forms
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render


def render_list(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Render the page. If htmx requested it, the address bar gets the address of the filters that are set."""
    response = render(request, template, context)
    if getattr(request, "htmx", False):
        response["HX-Replace-Url"] = address_of_filters(request)
    return response


def address_of_filters(request: HttpRequest) -> str:
    """Return the URL of the request without empty parameters."""
    chosen = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        if kept := [value for value in values if value]:
            chosen.setlist(name, kept)
    return f"{request.path}?{chosen.urlencode()}" if chosen else request.path


def in_use(filterset: Any) -> bool:
    """Return whether any filter is set, so that the page can explain why its list is empty."""
    return any(filterset.data.get(name) for name in filterset.filters)


class FilterForm(forms.Form):
    """The form of a `FilterSet`. Its first field is the search; fields without choices are behind “More filters”."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        search = next(iter(self.fields.values()))
        search.widget = forms.TextInput(
            {"type": "search", "placeholder": search.label, "autocomplete": "off"}
        )

    @property
    def search(self) -> BoundField:
        return next(iter(self))

    @property
    def choices(self) -> list[BoundField]:
        return [field for field in self if hasattr(field.field, "choices")]

    @property
    def behind(self) -> list[BoundField]:
        return [field for field in list(self)[1:] if not hasattr(field.field, "choices")]

    @property
    def set_behind(self) -> list[BoundField]:
        """The fields behind “More filters” that have a value."""
        return [field for field in self.behind if self.cleaned_data.get(field.name) not in (None, "")]
