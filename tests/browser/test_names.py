"""Hostile names (with markup, bidi controls or 150 letters) are harmless wherever names are shown."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from audit.log import record
from tests.browser.conftest import Enter
from tests.fixtures import records
from tests.fixtures.cast import Cast
from tests.fixtures.running import confirm, run, run_single, upload
from transfers.models import Transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCRIPT = "<script>window.ran=1</script>"
QUOTE = "\"><img src=x onerror='window.ran=1'>"
IMAGE = "<img src=x onerror=window.ran=1>"  # no quotation marks, which have a meaning in CSV
TURNED = "Ana\u202egnihtemos\u2069\u2069"
FAMILY = "👨\u200d👩\u200d👧"
LONG = "W" * 150
HEBREW, ARABIC = "דוד", "علي"
NAMES = [(HEBREW, "לוי"), (ARABIC, "حسن"), (SCRIPT, QUOTE), (TURNED, FAMILY), (LONG, LONG)]

# Texts and attribute values with unbalanced isolates (FSI, PDI) or with any other bidi control.
TURNING = """() => {
  const found = [];
  const look = (text) => {
    let depth = 0;
    for (const char of String(text ?? "")) {
      if (char === "\\u2068") depth += 1;
      else if (char === "\\u2069") depth -= 1;
      else if (/[\\u202a-\\u202e\\u2066\\u2067]/.test(char)) depth = NaN;
      if (!(depth >= 0)) return found.push(text);
    }
    if (depth) found.push(text);
  };
  look(document.title);
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (node.nodeType === Node.TEXT_NODE) look(node.data);
    else { for (const { value } of node.attributes) look(value); look(node.value); }
  }
  return found;
}"""
# Elements that make the page wider than the screen, except in boxes with their own scroll bar and in hidden text.
TOO_WIDE = """() => document.documentElement.scrollWidth <= window.innerWidth + 1 ? [] :
  [...document.querySelectorAll("body *")].filter((element) => !element.closest(".scroll, .visually-hidden")
    && element.getBoundingClientRect().right > window.innerWidth + 1).map((element) => element.outerHTML.slice(0, 150))
"""
# The left edge of each given word on the screen, in the first text node that contains all of them.
PLACES = """(element, words) => {
  const walk = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode;
    if (!words.every((word) => text.data.includes(word))) continue;
    return words.map((word) => {
      const range = document.createRange();
      range.setStart(text, text.data.indexOf(word));
      range.setEnd(text, text.data.indexOf(word) + word.length);
      return range.getBoundingClientRect().left;
    });
  }
}"""


@pytest.fixture
def named(cast: Cast) -> Cast:
    people = (cast.ana, cast.bo, cast.cy, cast.di, cast.eli)
    for user, (first, last) in zip(people, NAMES, strict=True):
        user.first_name, user.last_name = first, last
        user.username = f"{last[:60]}{user.pk}"
        user.save()
        records.everything(user, 1)
    cast.support.name = f"{SCRIPT}\u202e"
    cast.support.save()
    User.objects.filter(pk=cast.ada.pk).update(first_name=f"Ada\u202e{SCRIPT}")
    cast.ada.refresh_from_db()
    return cast


def harmless(page: Page) -> None:
    assert page.evaluate("window.ran") is None
    assert page.evaluate(TURNING) == []
    assert page.evaluate(TOO_WIDE) == [], page.url


def chosen(source: User, target: User) -> str:
    return f"{reverse('transfers:single')}?source={source.pk}&target={target.pk}"


def test_one_pair(named: Cast, page: Page, enter: Enter) -> None:
    for source, target in ((named.ana, named.bo), (named.cy, named.di), (named.di, named.eli)):
        enter(named.ada, chosen(source, target))
        harmless(page)
        assert str(source.pk) in page.locator(".direction p").inner_text()
        page.get_by_role("button", name="Run Transfer").click()
        expect(page.get_by_role("alertdialog")).to_be_visible()
        harmless(page)


def test_the_arrow_points_from_source_to_target(named: Cast, page: Page, enter: Enter) -> None:
    """Without bidi isolation, two right-to-left names would reverse the sentence."""
    enter(named.ada, chosen(named.ana, named.bo))
    sentence = page.locator(".direction p")
    ids = [f"({named.ana.pk})", "→", f"({named.bo.pk})"]
    source, arrow, target = sentence.evaluate(PLACES, ids)
    assert source < arrow < target
    sentence.evaluate(
        "(element) => { element.textContent = element.textContent.replace(/[\\u2068\\u2069]/g, '') }"
    )
    source, arrow, target = sentence.evaluate(PLACES, ids)
    assert not source < arrow < target, (
        "without isolates the order must be wrong, or this test proves nothing"
    )


def test_pickers(named: Cast, page: Page, enter: Enter) -> None:
    enter(named.ada, reverse("transfers:single"))
    field = page.get_by_label("Source User")
    field.fill(str(named.cy.pk))
    expect(page.get_by_role("option").first).to_contain_text(SCRIPT)
    harmless(page)
    page.get_by_role("option").first.click()
    expect(field).to_have_value(f"{SCRIPT} {QUOTE} ({named.cy.pk})")
    harmless(page)
    field = page.get_by_label("Target User")
    field.fill(QUOTE)
    expect(page.get_by_role("option").first).to_contain_text(QUOTE)
    harmless(page)


def test_many(named: Cast, page: Page, enter: Enter) -> None:
    draft = upload(
        named.ada, (named.ana, named.bo), (named.cy, named.di), (named.eli, named.ada), (SCRIPT, IMAGE)
    )
    Transfer.objects.filter(pk=draft.pk).update(file_name=f"{SCRIPT}\u202ecsv.exe")
    for address in (reverse("transfers:preview", args=[draft.number]), reverse("transfers:bulk")):
        enter(named.ada, address)
        harmless(page)


def test_afterwards(named: Cast, page: Page, enter: Enter) -> None:
    ran = run_single(named.ada, named.ana, named.bo)
    many = run(confirm(upload(named.ada, (named.cy, named.di), (named.bo, named.eli)), named.ada))
    file = {"file_name": f"{QUOTE}\u202e", "rows_read": 1, "selected": 1}
    record("file-uploaded", tenant_id=named.abacus.pk, by=named.ada, **file)
    for address in (
        reverse("transfers:transfer-detail", args=[ran.number]),
        reverse("transfers:transfer-detail", args=[many.number]) + "?show=all",
        reverse("transfers:transfer-list"),
        reverse("transfers:audit-log"),
    ):
        enter(named.ada, address)
        expect(page.locator("h1")).to_be_visible()
        harmless(page)
