"""Names that are written together: `useridto` are user, id, to; `relateduserid` are related, user, id."""

import re

# Words before which others may stand: "enduser" is one, but "reagent" is no agent.
ALONE = frozenset({"user", "person", "employee"})
DONE = (
    "created|inserted|entered|added|made|opened|started|uploaded|posted|updated|modified|changed|edited|deleted|removed"
    "|closed|locked|approved|rejected|reviewed|resolved|published|assigned|requested|imported|granted|archived|confirmed"
    "|verified|graded|overridden"
)
# Ends in "by", and says nothing about who did something.
NO_BY = re.compile(r"^(stand|near|hob|lob|ru|ba|here|there|where|group|order|sort|filter|divide|index)by$")


def split(word: str, people: frozenset[str]) -> list[str]:
    """Return the words of a word in lower case that was written together, if one of them is in `people`.

    The others are "id", who received or did something ("to", "modified"), and anything before a word that is clear.
    """
    clear = ALONE | {name for name in people if len(name) >= 6}
    before = rf"(?:(?P<before>[a-z]+)(?={'|'.join(sorted(clear))}))?"
    who = "|".join(sorted(people | ALONE, key=len, reverse=True))
    match = re.fullmatch(rf"{before}(?P<who>{who})(?P<id>id)?(?P<after>to|from|by|{DONE})?", word)
    if not match or word in people:
        return [word]
    return [part for part in match.group("before", "who", "id", "after") if part]


def ends_in_by(word: str) -> bool:
    """Return whether a word such as "gradeoverby" may say who did something."""
    return len(word) > 4 and word.endswith("by") and not NO_BY.match(word)
