"""Template filters and tags that turn values into words, icons and links."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any
from urllib.parse import parse_qsl

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from accounts.permissions import Permission
from transfers.models import PairState, Transfer, TransferPair
from transfers.results import undo_deadline
from transfers.validation import UserFacts
from wording import display_text, phrases
from wording.problems import Problem, shown

register = template.Library()

# State of a transfer, pair or row -> (tone in the stylesheet, icon).
STATES = {
    "draft": ("neutral", "draft"),
    "discarded": ("neutral", "close"),
    "cleared": ("neutral", "minus"),
    "pending": ("neutral", "clock"),
    "queued": ("info", "clock"),
    "running": ("info", "running"),
    "ready": ("success", "check"),
    "succeeded": ("success", "success"),
    "warning": ("warning", "warning"),
    "finished with errors": ("warning", "warning"),
    "undone": ("neutral", "minus"),
    "stopped": ("warning", "stop"),
    "not started": ("warning", "minus"),
    "error": ("error", "error"),
    "failed": ("error", "error"),
}

PAST = {
    PairState.SUCCEEDED: "moved",
    PairState.FAILED: "was not moved",
    PairState.NOT_STARTED: "was not moved",
}

# (label, URL name, permissions). The person needs one of the permissions; if none is listed, signing in is enough.
NAV: tuple[tuple[str, str, tuple[Permission, ...]], ...] = (
    ("User Data Transfer", "transfers:transfer-home", (Permission.TRANSFER_ONE, Permission.TRANSFER_BULK)),
    ("Transfers", "transfers:transfer-list", (Permission.SEE_TRANSFERS,)),
    ("Audit log", "transfers:audit-log", (Permission.SEE_AUDIT,)),
    ("Users", "accounts:user-list", (Permission.MANAGE_USERS,)),
    ("Views", "accounts:view-list", (Permission.MANAGE_VIEWS,)),
    ("Help", "transfers:help", ()),
)


@register.filter
def state_tone(state: str) -> str:
    return STATES[state][0]


@register.filter
def state_icon(state: str) -> str:
    return STATES[state][1]


@register.filter
def severity_tone(severity: str) -> str:
    """Return the name of both the tone and the icon for a Severity: "error", "warning" or "info"."""
    return {"reject": "error", "error": "error", "warning": "warning"}.get(severity, "info")


@register.filter
def without_place(problem: Problem) -> str:
    """Return the problem's sentence without the row and column at its start, to be shown in that row."""
    text = problem.sentence.removeprefix(f"Row {problem.row}, {problem.column}: ")
    return text[:1].upper() + text[1:]


@register.filter
def preview_name(draft: Transfer) -> SafeString:
    """Return what a preview is called in a sentence: its file, or the transfer that it was made from."""
    if late := draft.file_summary.get("late_of"):
        return format_html("the late arrivals of transfer {}", late)
    if draft.undoes:
        return format_html("the undo of transfer {}", draft.undoes.number)
    if retried := draft.file_summary.get("retry_of"):
        return format_html("the retry of transfer {}", retried)
    return format_html('<span translate="no">{}</span>', isolated(shown(draft.file_name or "people.csv", 60)))


@register.filter
def initials(name: str) -> str:
    """Return the initials for the avatar: "AD" for "Ana Díaz", one letter for a single word."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.filter
def at(mapping: Mapping[Any, Any], key: object) -> Any:
    """Return the value of the key, or None if the mapping is empty or lacks the key."""
    return mapping.get(key) if mapping else None


@register.filter
def isolated(text: str) -> str:
    """Render user-supplied text safely inside a sentence or attribute."""
    return display_text.isolated(display_text.visible(str(text or "")))


@register.filter
def keeping(text: str, names: object) -> SafeString:
    """Render a sentence in which a browser's translation must not change the names, IDs and other texts of users.

    `names` are these texts, also in lists and mappings.
    """
    visible = {display_text.visible(name) for name in texts_in(names) if name.strip()}
    kept = visible | {display_text.isolated(name) for name in visible}
    longest_first = "|".join(re.escape(name) for name in sorted(kept, key=len, reverse=True))
    parts = re.split(rf"(?<!\w)({longest_first})(?!\w)", text) if kept else [text]
    marked = (format_html('<span translate="no">{}</span>', part) for part in parts[1::2])
    return format_html_join("", "{}{}", zip_longest(parts[::2], marked, fillvalue=""))


def texts_in(names: object) -> Iterator[str]:
    if isinstance(names, str | int):
        yield str(names)
    elif isinstance(names, Mapping):
        yield from texts_in(list(names.values()))
    elif isinstance(names, Iterable):
        for name in names:
            yield from texts_in(name)


@register.filter
def user_details(user: User | UserFacts) -> str:
    """Return user name and team, which distinguish users with the same name."""
    return " · ".join(isolated(detail) for detail in (user.username, user.team_name) if detail)


EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


@register.filter
def breakable(text: str) -> SafeString:
    """Render text in which email addresses break before the “@” and the dots, not within a word."""
    marked = EMAIL.sub(lambda email: re.sub(r"(?=[@.])", "\0", email[0]), text)
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in marked.split("\0")))  # nosec B308  (a constant)


@register.filter
def words(text: str) -> list[str]:
    return text.split()


@register.simple_tag
def direction(
    source_name: str, source_id: int, target_name: str, target_id: int, pair: TransferPair | None = None
) -> str:
    """Return the direction as a sentence: what happens, or what has become of the pair."""
    verb = PAST.get(PairState(pair.state), "moves") if pair else "moves"
    return phrases.direction(source_name, source_id, target_name, target_id, verb)


@register.simple_tag(takes_context=True)
def permanence(context: Context) -> str:
    return undo_deadline.permanence(context.get("user"))


@register.simple_tag(takes_context=True)
def undo_sentence(context: Context, transfer: Transfer | None = None) -> str:
    return undo_deadline.undo_sentence(transfer, context.get("user"))


@register.simple_tag
def last_day_to_undo(transfer: Transfer) -> date | None:
    return undo_deadline.last_day(transfer)


@dataclass(frozen=True)
class NavItem:
    name: str
    href: str
    current: str


@register.simple_tag(takes_context=True)
def nav_items(context: Context) -> list[NavItem]:
    """Return the navigation items of the pages that the person may open.

    `current` (for aria-current) is "page" on the item's own page and "true" on pages whose URL starts with the item's.
    A page that belongs to an item, although its URL does not start with the item's, sets `place` to a URL that does.
    """
    path = context.get("place") or (context["request"].path if "request" in context else "")
    held = context["user"].permissions
    allowed = [
        (name, reverse(url)) for name, url, needs in NAV if not needs or held & {p.value for p in needs}
    ]
    return [NavItem(name, href, aria_current(path, href)) for name, href in allowed]


def aria_current(path: str, href: str) -> str:
    if path == href:
        return "page"
    return "true" if path.startswith(href) else ""


@register.filter
def query_pairs(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a query string such as "state=ready&q=ana", for hidden form fields."""
    return parse_qsl(query or "", keep_blank_values=False)


@register.inclusion_tag("components/pager_link.html", takes_context=True)
def pager_link(context: Context, page: Any, number: int, icon: str, label: str) -> dict[str, str]:
    """Render a link to a page of a list. Its address is empty if the page is the current one or does not exist."""
    exists = 1 <= number <= page.paginator.num_pages and number != page.number
    query = f"{context.get('query') or ''}&rows={context['rows']}&page={number}".lstrip("&")
    return {"href": f"?{query}" if exists else "", "icon": icon, "label": label}
