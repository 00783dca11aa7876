"""Upload files for the tests of the actions, and read back rows, problems and events."""

import io
from collections.abc import Iterable

from accounts.models import User
from audit.models import AuditEvent
from transfers import actions
from transfers.models import DraftRow, Transfer

HEADER = "From User ID,To User ID,First Name,Last Name"


def send(by: User, *lines: str, name: str = "people.csv", header: str = HEADER) -> Transfer:
    content = "\r\n".join([header, *lines]).encode()
    return actions.upload(by=by, file_name=name, stream=io.BytesIO(content), address="192.0.2.7")


def line(source: User | str, target: User | str, named: User | None = None) -> str:
    first, last = (named.first_name, named.last_name) if named else ("", "")
    return f"{getattr(source, 'pk', source)},{getattr(target, 'pk', target)},{first},{last}"


def row(draft: Transfer, number: int) -> DraftRow:
    return DraftRow.objects.get(transfer=draft, number=number)


def errors(draft: Transfer) -> dict[int, list[str]]:
    """Map the number of each row that has errors to its error codes. Rows without errors are left out."""
    blocking = {
        found.number: [problem["code"] for problem in found.problems if problem["severity"] == "error"]
        for found in draft.rows.all()
    }
    return {number: codes for number, codes in blocking.items() if codes}


def about_file(draft: Transfer) -> list[str]:
    draft.refresh_from_db()
    return [problem["code"] for problem in draft.file_summary["problems"]]


def as_stored(draft: Transfer) -> list[dict]:
    """Return each row of the draft as a dict of all its columns, in row order."""
    return list(DraftRow.objects.filter(transfer=draft).order_by("number").values())


def events(*kinds: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(kind__in=kinds).order_by("id"))


def kinds(found: Iterable[AuditEvent]) -> list[str]:
    return [event.kind for event in found]
