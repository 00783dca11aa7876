"""Names that hide or turn something are shown so that they cannot."""

import re

import pytest
from django.conf import settings

from accounts.models import User
from accounts.names import isolated, visible
from transfers.audit import sentence
from transfers.models import AuditEvent
from transfers.validation import kinds
from transfers.wording import direction

HEBREW, ARABIC = "דוד לוי", "علي حسن"


CONTROLS = ["\u202e", "\u202d", "\u2066", "\u2069", "\u200b", "\u200e", "\ufeff", "\0", "\x1b"]
PLAIN = ["Ana Díaz", "👨\u200d👩\u200d👧 Fam", "می\u200cخواهم", HEBREW, "Zoë ß", "李 雷", "O'Neil"]


@pytest.mark.parametrize("control", CONTROLS)
def test_what_hides_or_turns_is_shown(control: str) -> None:
    assert visible(f"Ana{control}Díaz") == "Ana\ufffdDíaz"


@pytest.mark.parametrize("name", PLAIN)
def test_what_belongs_to_a_name_stays(name: str) -> None:
    assert visible(name) == name


def test_a_line_end_is_a_space() -> None:
    assert visible("Ana\r\nDíaz\u2028") == "Ana  Díaz "


def test_only_right_to_left_text_is_isolated() -> None:
    assert isolated("Ana Díaz") == "Ana Díaz"
    assert isolated(HEBREW) == f"\u2068{HEBREW}\u2069"
    assert isolated(f"Ana {ARABIC}") == f"\u2068Ana {ARABIC}\u2069"


def test_a_user_is_called_by_what_can_be_seen() -> None:
    assert User(first_name="Ana\u202e", last_name="Díaz").name == "Ana\ufffd Díaz"
    assert User(username="ana\u2069").name == "ana\ufffd"


def test_the_direction_can_be_read_from_one_end_only() -> None:
    assert direction(HEBREW, 18, ARABIC, 19) == (
        f"\u2068{HEBREW}\u2069 (18) → \u2068{ARABIC}\u2069 (19): \u2068דוד\u2069's data moves to \u2068علي\u2069"
    )
    assert direction("Ana\u2069", 18, "Bo", 19).startswith("Ana\ufffd (18) → Bo (19)")


def test_problems_and_events_too() -> None:
    said = kinds.ACTING_PERSON(value="18", name=HEBREW).sentence
    assert said.startswith(f"\u2068{HEBREW}\u2069 (18) is you.")
    event = AuditEvent(
        kind="pair-failed",
        details={
            "source_name": HEBREW,
            "source_id": 18,
            "target_name": "Bo\u202e",
            "target_id": 19,
            "reason": said,
        },
    )
    assert sentence(event) == f"\u2068{HEBREW}\u2069 (18) → Bo\ufffd (19): not transferred. {said}"


# Names that nobody chose: those of data types, groups, links and parts of a page are ours. What a field holds is sent
# back as it is.
OUR_OWN = {"line.data_type.name", "bar.name", "item.name", "group.name", "type.name", "part.name", "name"}
WRITTEN = re.compile(r'(?<!value="){{ ((?:[\w.]+\.)?\w*(?:name|_name))(\|[^}]*)? }}')


def test_every_name_in_a_template_is_isolated() -> None:
    """`{{ user.name|isolated }}` (load transfer_ui); in titles, labels and attributes as in text."""
    bare = [
        f"{path.name}: {name}"
        for path in (settings.BASE_DIR / "templates").rglob("*.html")
        for name, filters in WRITTEN.findall(path.read_text())
        if name not in OUR_OWN and not filters.endswith(("|isolated", "|initials"))
    ]
    assert bare == []
