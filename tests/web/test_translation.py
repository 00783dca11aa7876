"""A browser that translates a page leaves names, user names, IDs and the number to type as they are.

A translated name can become the name of another user, and a translated number one that is refused.
"""

from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit import log as audit_log
from tests.accounts.people.user_import.pages import send
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.managers import boss, narrow
from tests.fixtures.running import confirm, run, upload

pytestmark = pytest.mark.django_db

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Translatable(HTMLParser):
    """Collects the texts of a page that a browser translates, except the title and the contents of `ignored`."""

    def __init__(self, html: str, ignored: str = "") -> None:
        super().__init__()
        self.texts: list[str] = []
        self.kept: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._ignored = ignored
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        found = dict(attrs)
        ignored = bool(self._ignored) and (found.get("id") or "").startswith(self._ignored)
        kept = found.get("translate") == "no" or tag in ("title", "script", "style") or ignored
        self._open.append((tag, kept or (bool(self._open) and self._open[-1][1])))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        (self.kept if self._open and self._open[-1][1] else self.texts).append(data)


@pytest.fixture
def people(cast: Cast) -> tuple[User, User]:
    """Two users with IDs, names and user names that appear nowhere else on a page."""
    found = []
    for number, (first, last) in enumerate((("Qinna", "Zwart"), ("Xobert", "Vlees"))):
        found.append(
            User.objects.create(
                pk=918_273 + number,
                tenant=cast.abacus,
                team=cast.support,
                first_name=first,
                last_name=last,
                username=f"qx{number}.{last.lower()}",
                email=f"mail{number}@qx.example",
                employee_id=f"QX-{number}",
            )
        )
    return found[0], found[1]


def tokens(*users: User) -> set[str]:
    return {
        str(text)
        for user in users
        for text in (user.pk, user.first_name, user.last_name, user.username, user.email, user.employee_id)
    }


def translated(html: str, *users: User, ignored: str = "") -> list[str]:
    page = Translatable(html, ignored)
    words = tokens(*users)
    assert any(word in text for text in page.kept for word in words), "the users are not on the page"
    return [text.strip() for text in page.texts if any(word in text for word in words)]


def html_of(client: Client, address: str, **query: object) -> str:
    response = client.get(address, query, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_single_transfer(cast: Cast, people: tuple[User, User]) -> None:
    client = signed_in(cast.ada)
    source, target = people
    pair = {"source": source.pk, "target": target.pk}
    assert translated(html_of(client, reverse("transfers:single"), **pair), *people) == []
    found = client.post(
        reverse("transfers:single-users"), {"role": "source", "q": "zwart"}, headers={"HX-Request": "true"}
    )
    assert translated(found.content.decode(), source) == []
    without_scripts = {"source_q": "zwart", "target_q": "vlees"}
    assert translated(html_of(client, reverse("transfers:single"), **without_scripts), *people) == []
    window = client.post(reverse("transfers:single"), pair, follow=True)
    assert translated(window.content.decode(), *people) == []


def test_bulk_transfer(cast: Cast, people: tuple[User, User]) -> None:
    client = signed_in(cast.ada)
    draft = upload(cast.ada, people)
    preview = html_of(client, reverse("transfers:preview", args=[draft.number]))
    assert translated(preview, *people, ignored="status-") == []
    confirmation = html_of(client, reverse("transfers:transfer-confirmation", args=[draft.number]))
    assert translated(confirmation, *people) == []
    assert 'Type <span translate="no">1</span> to confirm' in confirmation
    made = run(confirm(draft, cast.ada))
    assert (
        translated(
            html_of(client, reverse("transfers:transfer-detail", args=[made.number]), show="all"), *people
        )
        == []
    )


def test_users(cast: Cast, people: tuple[User, User]) -> None:
    client = signed_in(boss(cast))
    source, _ = people
    assert translated(html_of(client, reverse("accounts:user-list"), q="zwart"), source) == []
    edit = Translatable(html_of(client, reverse("accounts:user-edit", args=[source.pk])))
    assert not [text for text in edit.texts if "Zwart" in text or "918273" in text]
    view = narrow(cast)
    view.users.add(source)
    assert translated(html_of(client, reverse("accounts:view-edit", args=[view.pk])), source) == []


def test_import_of_users(cast: Cast, people: tuple[User, User]) -> None:
    client = signed_in(boss(cast))
    send(client, "qx0.zwart,Qinnaa,,,,,,,", "qx9.zwart,A,B,mail1@qx.example,QX-1,,,,")
    assert translated(html_of(client, reverse("user_import:preview")), *people) == []


def test_audit_log_and_own_name(cast: Cast, people: tuple[User, User]) -> None:
    source, _ = people
    details = {"subject_id": source.pk, "name": source.name, "summary": "User name: none → qx0.zwart."}
    audit_log.record("user-created", tenant_id=cast.abacus.pk, by=source, **details)
    assert translated(html_of(signed_in(cast.ada), reverse("transfers:audit-log")), source) == []
    assert translated(html_of(signed_in(source), "/"), source) == []
