"""Runs `manage.py transfer` on a file, and looks at the calls that it moves."""

import io
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from records.quality.models import CCR
from tests.fixtures import running

Pair = tuple[running.Cell, running.Cell]


class Run:
    """A callable that runs the command on a file with the given pairs and returns what the command printed.

    If the command raises an error, `output` contains what was printed before the error.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = ""

    def __call__(self, *pairs: Pair, by: str = "ada.admin", **options: object) -> str:
        out = io.StringIO()
        try:
            call_command("transfer", people_csv(self.folder, *pairs), by=by, stdout=out, **options)
        finally:
            self.output = out.getvalue()
        return self.output


def people_csv(folder: Path, *pairs: Pair) -> Path:
    file = folder / "people.csv"
    file.write_bytes(running.people_csv(*pairs).getvalue())
    return file


def calls(*agents: User) -> None:
    now = timezone.now()
    for number, who in enumerate(agents):
        CCR.objects.create(agent=who, contact_id=number, channel="voice", started_at=now, ended_at=now)


def owners() -> list[int]:
    return list(CCR.objects.order_by("pk").values_list("agent_id", flat=True))
