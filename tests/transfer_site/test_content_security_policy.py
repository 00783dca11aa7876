"""The content security policy in a browser, and the fixture with which all browser tests detect violations."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def add(tag: str, properties: str) -> str:
    return f"document.body.append(Object.assign(document.createElement('{tag}'), {properties}))"


VIOLATIONS = {
    "inline script": add("script", "{textContent: 'window.ran = 1'}"),
    "inline style": add("style", "{textContent: 'p {color: red}'}"),
    "image from another origin": add("img", "{src: 'http://127.0.0.1:1/i.png'}"),
    "request to another origin": "fetch('http://127.0.0.1:1/').catch(() => null)",
}


def test_the_sign_in_page_complies_with_the_policy(page: Page) -> None:
    response = page.goto(reverse("accounts:sign-in"))
    assert response is not None
    assert response.ok
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["referrer-policy"] == "same-origin"
    assert "camera=()" in response.headers["permissions-policy"]


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_violation_is_blocked_and_noticed(page: Page, page_errors: list[str], violation: str) -> None:
    page.goto(reverse("accounts:sign-in"))
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate(f"() => {{ {VIOLATIONS[violation]} }}")
    assert any("Content Security Policy" in error for error in page_errors), page_errors
    assert page.evaluate("window.ran") is None
    page_errors.clear()
