"""What is transferred, and by which rule: written from the registry, so that it cannot be out of date."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.doors import signed_in
from transfers.registry import data_types
from transfers.rules import DataType, Overwrite, Profile

NOT_TRANSFERRED = (
    ("Name, user name, email and employee ID", "the Target User stays who they are"),
    ("Password, sessions, tokens and second factor", "nobody can sign in as somebody else after a transfer"),
    ("Roles and permissions", "rights are given by an administrator, never by a transfer"),
    ("Team, and whether the account is active", "both users stay where and as active as they were"),
    ("The history of transfers and the audit log", "what has happened stays as it was recorded"),
)


@require_safe
@signed_in
def help_page(request: HttpRequest) -> HttpResponse:
    types = data_types()
    context = {
        "combined": by_group(entry for entry in types if not entry.overwrites),
        "overwritten": by_group(entry for entry in types if entry.overwrites),
        "not_transferred": NOT_TRANSFERRED,
    }
    return render(request, "transfers/help.html", context)


def by_group(types: Iterable[DataType]) -> list[dict[str, Any]]:
    return [
        {"name": name, "types": [explained(entry) for entry in group]}
        for name, group in groupby(types, key=lambda entry: entry.group)
    ]


def explained(entry: DataType) -> dict[str, str]:
    return {"name": entry.name, "sentence": entry.sentence, "rule": rule_sentence(entry)}


def rule_sentence(entry: DataType) -> str:
    """What happens when both users have records of the type."""
    if isinstance(entry.rule, Overwrite):
        return "The Source User's take the place of the Target User's, if the Source User has any."
    if isinstance(entry.rule, Profile):
        return "The Source User's values are put together with the Target User's; both users keep theirs."
    if entry.rule.on_clash:
        return f"Afterwards the Target User has both users' records; {entry.rule.on_clash.sentence}."
    return "Afterwards the Target User has both users' records."
