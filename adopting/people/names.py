"""What the name of a column says: whether it may hold a person, and whether as an owner or in a note."""

import re
from collections import Counter
from collections.abc import Iterable

from adopting.people import joined

PERSON = frozenset(
    {
        *(
            "user",
            "person",
            "people",
            "agent",
            "employee",
            "staff",
            "worker",
            "owner",
            "author",
            "creator",
            "member",
        ),
        *(
            "assignee",
            "assigner",
            "reporter",
            "evaluator",
            "reviewer",
            "approver",
            "supervisor",
            "manager",
            "lead",
        ),
        *(
            "leader",
            "operator",
            "coach",
            "trainer",
            "trainee",
            "recipient",
            "sender",
            "requester",
            "requestor",
            "actor",
        ),
        *(
            "poster",
            "editor",
            "moderator",
            "participant",
            "subscriber",
            "watcher",
            "voter",
            "inviter",
            "invitee",
        ),
        *(
            "follower",
            "followee",
            "planner",
            "principal",
            "responsible",
            "collaborator",
            "contributor",
            "mentioned",
        ),
    }
)
# Words that may be a person or a thing, or a person who is none of ours: only asked about, with the values.
PERHAPS = frozenset(
    {
        *("analyst", "applicant", "assessor", "attendee", "auditor", "boss", "caller", "candidate"),
        *("client", "colleague", "commenter", "consultant", "contact", "customer", "delegate", "deputy"),
        *("dispatcher", "examiner", "grader", "holder", "importer", "inspector", "instructor"),
        *("interviewer", "issuer", "learner", "marker", "mentor", "modifier", "officer", "organiser"),
        *("organizer", "originator", "presenter", "publisher", "rater", "receiver", "replacement"),
        *("representative", "resolver", "respondent", "scorer", "signer", "starter", "student"),
        *("submitter", "substitute", "teacher", "technician", "tester", "tutor", "updater", "uploader"),
        *("validator", "verifier", "viewer", "writer"),
    }
)
IDS = frozenset({"id", "ids", "uuid", "uuids", "guid", "uid", "key", "no", "nr", "number", "code", "ref"})
# Words that are written together with "by" in some databases: createdby.
BY = re.compile(
    r"(^|_)[a-z]+(ed|en|ld|ne)(_(for|as)_[a-z]+)?_by(_|$)|(created|inserted|added|made|opened|started|updated|modified|changed|edited|deleted|removed|closed|locked"
    r"|approved|rejected|reviewed|resolved|published|imported|uploaded|sent|assigned|invited|requested|granted"
    r"|archived|cancelled|canceled|signed|confirmed|acknowledged|verified|banned|posted)_?(by|from)"
)
# Who did something to a row, which is not theirs: updated_by, marked_for_deletion_by_user_id, last_editor.
NOTE = re.compile(
    r"(^|_)(updated|modified|changed|edited|deleted|removed|closed|locked|approved|rejected|reviewed|resolved|published"
    r"|imported|granted|archived|cancell?ed|confirmed|acknowledged|authori[sz]ed|verified|banned|blocked|suspended|disabled|marked"
    r"|invited|moved|merged|restored)(_(for|as)_[a-z]+)?_?(by|from)(_|$)|^last_"
)
MAKER = re.compile(
    r"^(created|inserted|added|made|opened|started|uploaded|invited|posted)_?by|^(creator|author)(_|$)"
)
# When a row was made, which does not make two links different.
MAKING = re.compile(r"^(created|inserted|added)(_|$)|^timecreated$")
# What one row did to another, rather than a person: only asked about.
BY_THING = re.compile(
    r"(^|_)(replaced|superseded|preceded|followed|caused|triggered|divided|sorted|grouped|ordered|filtered|multiplied)"
    r"_by(_id)?$"
)
# Words before a person with which the name is that of a flag: is_owner, notify_user.
FLAG = frozenset({"is", "has", "can", "may", "show", "notify", "send", "allow", "super"})
MANAGER = re.compile(r"manager|supervisor|lead|superior|parent|boss|reports_to")
TIMES = re.compile(
    r"(updated|modified|changed|edited|last)(_?(at|on|time|date|ts))?$|(^|_)mtime$"
    r"|^(last_|last(access|seen|activity|login|used|visit|modified|update|change)|update_?time)"
)
SETTINGS = re.compile(
    r"preference|setting|(^|_)(options?|propert(y|ies)|config(uration)?s?|customi[sz]ations?)(_|$)"
)
PLANNED = re.compile(
    r"(^|_)(schedules?|rosters?|rota|shifts?|availabilit(y|ies)|agenda|planned|working_?times?|duty|duties"
    r"|calendar_?entr(y|ies)|timetables?)$"
)


def tokens(name: str) -> list[str]:
    """Return the words of a name in lower case: "ownerUser_ID" are owner, user, id."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]


def common_prefix(names: Iterable[str]) -> str:
    """Return the first word of nearly all these names, such as that of an installation, or ""."""
    words = [tokens(name) for name in names]
    firsts = Counter(found[0] for found in words if len(found) > 1)
    word, number = firsts.most_common(1)[0] if firsts else ("", 0)
    return word if number >= 3 and number >= 0.9 * len(words) else ""


def singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return {"people": "person"}.get(word, word[:-1] if word.endswith("s") and len(word) > 3 else word)


def words_of(name: str, also: frozenset[str] = frozenset()) -> list[str]:
    """Return the words of a name, also of one that is written together: "useridto" are user, id, to."""
    return [part for word in tokens(name) for part in joined.split(word, PERSON | also)]


def suggests_person(name: str, also: frozenset[str] = frozenset(), *, is_list: bool = False) -> bool:
    """Return whether the last words of a name are a person, with or without "id": agent_id, createdBy, userIdTo.

    also: the words for a person in this database, such as the name of the table of people. A plural that is no list is
    a number of people.
    """
    words, people = words_of(name, also), PERSON | also
    if len(words) > 1 and words[0] in FLAG:
        return False
    text = who_did(words)
    if BY_THING.search(text):
        return False
    if match := BY.search(text):
        return all(word in IDS or singular(word) in people for word in text[match.end() :].split("_") if word)
    if words and words[-1] in ("to", "from", "by"):
        words = words[:-1] if set(words[:-1]) & people else words
    rest = list(words)
    while len(rest) > 1 and rest[-1] in IDS:
        rest.pop()
    last = rest[-1] if rest else ""
    if last.endswith("s") and rest == words and not is_list:
        return False
    return singular(last) in people


def may_suggest_person(name: str) -> bool:
    """Return whether a name may be a person's, such as grader_id or overrideby, which the values have to confirm."""
    rest = words_of(name)
    while len(rest) > 1 and rest[-1] in IDS:
        rest.pop()
    last = rest[-1] if rest else ""
    core = re.sub(r"^[a-z]+ed(?=[a-z]{6})|(?<=[a-z]{4})id$", "", last)  # allocatedmarker, issuerid
    is_by = joined.ends_in_by(last) or bool(BY_THING.search("_".join(tokens(name))))
    return last in PERHAPS or core in PERHAPS or is_by


def who_did(words: list[str]) -> str:
    """Return the words as text, with user_modified as modified_by_user."""
    if len(words) > 1 and words[-2] in PERSON and re.fullmatch(joined.DONE, words[-1]):
        words = [*words[:-2], words[-1], "by", words[-2]]
    return "_".join(words)


def says_id(name: str) -> bool:
    """Return whether the name says that the column holds an ID, or who did something: agent_id, created_by."""
    words = words_of(name)
    return len(words) > 1 and (words[-1] in IDS or "by" in words)


def is_note(name: str) -> bool:
    """Return whether a column rather says who did something than whose record it is."""
    return bool(NOTE.search(who_did(words_of(name)))) and not is_maker(name)


def is_maker(name: str) -> bool:
    return bool(MAKER.search(who_did(words_of(name))))


def is_manager(name: str) -> bool:
    return bool(MANAGER.search("_".join(tokens(name))))


def is_time_of_change(name: str) -> bool:
    return bool(TIMES.search("_".join(tokens(name))))


def is_of_making(name: str) -> bool:
    return bool(MAKING.search("_".join(tokens(name))))


def says_time(name: str) -> bool:
    """Return whether the name alone says that a number is a time: timemodified, updated_at, last_access."""
    return bool(
        re.search(
            r"time|(^|_)date(_|$)|_(at|on|ts)$|^last_?(access|seen|activity|login)$", "_".join(tokens(name))
        )
    )


def is_settings(name: str) -> bool:
    """Return whether the rows of a table are what a person has set for themselves: preferences, options."""
    return bool(SETTINGS.search("_".join(tokens(name)))) and not is_planned(name)


def is_planned(name: str) -> bool:
    return bool(PLANNED.search("_".join(tokens(name))))
