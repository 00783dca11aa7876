import re
import shlex
from argparse import ArgumentParser
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from adopting.catalog.reading import read_database
from adopting.drift import drift_of
from adopting.proposing.building import build_plan
from adopting.proposing.plan import Plan
from adopting.writing.files import files_of
from adopting.writing.folder import write_app
from wording.phrases import counted


class Command(BaseCommand):
    help = (
        "Write an app for the tables of another program: models, data types with questions, index and grant"
        " statements. If the app exists, print what has changed in the database since, and change nothing."
    )
    # The checks would refuse an app whose questions are open, of which this command prints the drift.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("schema", help="the schema with the tables, e.g. suite")
        parser.add_argument(
            "--people", required=True, help="schema.table or schema.table.column of the people"
        )
        parser.add_argument("--app", required=True, help="name of the app to write, e.g. our_suite")
        parser.add_argument(
            "--tables", nargs="+", default=[], help="only these, and the tables that reference them or people"
        )
        parser.add_argument(
            "--into", type=Path, default=Path(), help="the folder to write it to (default: here)"
        )
        parser.add_argument(
            "--seen",
            action="store_true",
            help="the app has what this command printed: compare with today from now on",
        )

    def handle(self, *args: Any, schema: str, people: str, app: str, into: Path, **options: Any) -> None:
        check_name(app)
        target = into.resolve() / app
        check_free(app, target)
        plan = build_plan(read_database(schema, people, options["tables"]))
        if target.exists():
            drift_of(plan, target, app, self.stdout, seen=options["seen"])
            return
        words = ["manage.py", "adopt", schema, "--people", people, "--app", app]
        if options["tables"]:
            words += ["--tables", *options["tables"]]
        if into != Path():
            words += ["--into", str(into.resolve())]
        files = files_of(plan, app, shlex.join(words))
        write_app(target, files)
        questions = re.findall(r"^(?! *#).*\bundecided\($", files["datatypes.py"], re.MULTILINE)
        self.say(plan, target, len(questions))

    def say(self, plan: Plan, target: Path, questions: int) -> None:
        numbers = [
            counted(len(plan.database.tables), "table"),
            counted(len(plan.proposals), "data type"),
            counted(len(plan.kept), "column that stays", "columns that stay"),
            counted(questions, "question"),
        ]
        self.stdout.write(f"{target}: {', '.join(numbers)}. Go on with {target / 'README.md'}.")


def check_name(app: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", app) or iskeyword(app):
        raise CommandError(
            f"--app: {app!r} is no name of an app. Use small letters, digits and _, e.g. our_suite."
        )


def check_free(app: str, target: Path) -> None:
    """Refuse the name of a package that is somewhere else, which would be imported instead of the app."""
    found = find_spec(app)
    if found is not None and target not in map(Path, found.submodule_search_locations or []):
        raise CommandError(
            f"--app: {app} is the name of a package that is there already. Choose another name."
        )
