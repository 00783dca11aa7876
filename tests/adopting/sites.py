"""A site beside the tables of another program: a database, a folder for the app, and the commands that people run."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.harness import databases
from tests.harness.databases import address, run_python
from transfer_site.run.embedded import APPLICATION

SCHEMAS = Path(__file__).parent / "schemas"


class Site:
    """Commands run as processes of their own, with the application's role."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.database = database

    def environment(self, apps: str = "", *, owner: bool = False) -> dict[str, str]:
        path = os.pathsep.join(map(str, [self.folder, databases.ROOT]))
        application = make_conninfo(address(self.database), user=APPLICATION)
        return {
            "DATABASE_URL": address(self.database) if owner else application,
            "DJANGO_SETTINGS_MODULE": "transfer_site.settings",
            "EXTRA_APPS": apps,
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def manage(
        self, *words: str, apps: str = "", owner: bool = False, more: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        environment = {**self.environment(apps, owner=owner), **(more or {})}
        done = run_python(self.database, "manage.py", *words, more=environment)
        return done.returncode, done.stdout + done.stderr

    def python(self, *words: str, apps: str = "") -> str:
        done = run_python(self.database, *words, more=self.environment(apps))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(
        self, *words: str, apps: str = "", owner: bool = False, more: Mapping[str, str] | None = None
    ) -> str:
        code, printed = self.manage(*words, apps=apps, owner=owner, more=more)
        assert code == 0, printed
        return printed

    def execute(self, statements: str) -> None:
        databases.execute(self.database, sql.SQL(statements))

    def load(self, schema: str) -> None:
        self.execute((SCHEMAS / f"{schema}.sql").read_text())

    def adopt(self, schema: str, people: str, *more: str, app: str = "ours") -> str:
        words = ("adopt", schema, "--people", people, "--app", app, "--into", str(self.folder), *more)
        return self.run(*words)

    def read(self, name: str, app: str = "ours") -> str:
        return (self.folder / app / name).read_text()

    def answer_as_proposed(self, app: str = "ours") -> None:
        [command] = re.findall("`(sed .*)`", self.read("README.md", app))
        subprocess.run(command, shell=True, check=True, cwd=self.folder)

    def grant(self, app: str = "ours") -> None:
        """Run the statements of the app as the owner of the tables, each by itself as psql would."""
        for name in ("grants.sql", "indexes.sql"):
            lines = [line for line in self.read(name, app).splitlines() if line and not line.startswith("--")]
            for line in lines:
                self.execute(line)


@contextmanager
def site(folder: Path, template: str) -> Iterator[Site]:
    """Make a site with a copy of a database that was migrated."""
    with databases.copied_database("adopting_site", template) as name:
        yield Site(folder, name)
