"""The help page, which is generated from the registry and explains what is transferred and by which rule."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import Request, signed_in
from transfers.people_csv import IDENTIFIERS
from transfers.registry import data_types
from transfers.rules import DataType, Overwrite, Profile

NOT_TRANSFERRED = (
    ("Name, user name, email and employee ID", "the Target User keeps their own"),
    ("Password, sessions, tokens and second factor", "a transfer never lets one user sign in as another"),
    ("Roles and permissions", "permissions are granted by an administrator, never by a transfer"),
    ("Team, and whether the account is active", "these stay the same for both users"),
    ("The history of transfers and the audit log", "past events stay as they were recorded"),
)


@require_safe
@signed_in
def help_page(request: Request) -> HttpResponse:
    types = data_types()
    context = {
        "combined": by_group(entry for entry in types if not entry.overwrites),
        "overwritten": by_group(entry for entry in types if entry.overwrites),
        "not_transferred": NOT_TRANSFERRED,
        "identifier_columns": [column for columns in IDENTIFIERS.values() for column in columns],
        "allows_identifiers": request.user.tenant.allows_identifiers,
        "undo_days": settings.UNDO_DAYS,
    }
    return render(request, "transfers/help.html", context)


def by_group(types: Iterable[DataType]) -> list[dict[str, Any]]:
    return [
        {"name": name, "types": [type_context(entry) for entry in group]}
        for name, group in groupby(types, key=lambda entry: entry.group)
    ]


def type_context(entry: DataType) -> dict[str, str]:
    return {"name": entry.name, "sentence": entry.sentence, "rule": rule_sentence(entry)}


def rule_sentence(entry: DataType) -> str:
    """Return a sentence that says what happens to the records of source and target."""
    if isinstance(entry.rule, Overwrite):
        return "The Source User's records, if there are any, replace the Target User's records."
    if isinstance(entry.rule, Profile):
        return "The Source User's values are merged into the Target User's values, and the Source User's do not change."
    if entry.rule.on_clash:
        return f"Afterwards the Target User has both users' records, but {entry.rule.on_clash.sentence}."
    return "Afterwards the Target User has both users' records."
