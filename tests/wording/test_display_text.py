"""Names with control characters or right-to-left text are displayed safely."""

import re

import pytest
from django.conf import settings

from accounts.models import User
from audit.log import sentence
from audit.models import AuditEvent
from transfers.validation import problem_kinds
from wording.display_text import isolated, visible
from wording.phrases import direction

HEBREW, ARABIC = "דוד לוי", "علي حسن"
CONTROLS = ["\u202e", "\u202d", "\u2066", "\u2069", "\u200b", "\u200e", "\ufeff", "\0", "\x1b"]
PLAIN = ["Ana Díaz", "👨\u200d👩\u200d👧 Fam", "می\u200cخواهم", HEBREW, "Zoë ß", "李 雷", "O'Neil"]


@pytest.mark.parametrize("control", CONTROLS)
def test_control_characters_are_replaced(control: str) -> None:
    assert visible(f"Ana{control}Díaz") == "Ana\ufffdDíaz"


@pytest.mark.parametrize("name", PLAIN)
def test_ordinary_names_are_unchanged(name: str) -> None:
    assert visible(name) == name


def test_line_breaks_become_spaces() -> None:
    assert visible("Ana\r\nDíaz\u2028") == "Ana  Díaz "


def test_only_right_to_left_text_is_isolated() -> None:
    assert isolated("Ana Díaz") == "Ana Díaz"
    assert isolated(HEBREW) == f"\u2068{HEBREW}\u2069"
    assert isolated(f"Ana {ARABIC}") == f"\u2068Ana {ARABIC}\u2069"


def test_user_names_are_made_visible() -> None:
    assert User(first_name="Ana\u202e", last_name="Díaz").name == "Ana\ufffd Díaz"
    assert User(username="ana\u2069").name == "ana\ufffd"


def test_the_direction_of_a_pair_isolates_names() -> None:
    assert direction(HEBREW, 18, ARABIC, 19) == (
        f"\u2068{HEBREW}\u2069 (18) → \u2068{ARABIC}\u2069 (19): \u2068דוד\u2069's data moves to \u2068علي\u2069"
    )
    assert direction("Ana\u2069", 18, "Bo", 19).startswith("Ana\ufffd (18) → Bo (19)")


def test_problems_and_audit_sentences_isolate_names() -> None:
    reason = problem_kinds.ACTING_PERSON(value="18", name=HEBREW).sentence
    assert reason.startswith(f"\u2068{HEBREW}\u2069 (18) is your own account.")
    event = AuditEvent(
        kind="pair-failed",
        details={
            "source_name": HEBREW,
            "source_id": 18,
            "target_name": "Bo\u202e",
            "target_id": 19,
            "reason": reason,
        },
    )
    assert sentence(event) == f"\u2068{HEBREW}\u2069 (18) → Bo\ufffd (19): not transferred. {reason}"


# Template variables for names that users cannot choose, such as the names of data types, groups and links.
FIXED_NAMES = {
    "line.data_type.name",
    "transfer.name",
    "bar.name",
    "item.name",
    "group.name",
    "type.name",
    "part.name",
    "name",
}
# Names in templates, except in the values of form fields, which must be sent back unchanged.
WRITTEN = re.compile(r'(?<!value="){{ ((?:[\w.]+\.)?\w*(?:name|_name))(\|[^}]*)? }}')


def test_every_name_in_a_template_is_isolated() -> None:
    """Templates must use `{{ user.name|isolated }}` (load transfer_ui first), also in titles, labels and attributes."""
    bare = [
        f"{path.name}: {name}"
        for path in (settings.BASE_DIR / "templates").rglob("*.html")
        for name, filters in WRITTEN.findall(path.read_text())
        if name not in FIXED_NAMES and not filters.endswith(("|isolated", "|initials"))
    ]
    assert bare == []
