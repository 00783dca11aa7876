"""docs/adopting.md: every statement and every command of the page is run, in the order of the page."""

import csv
import re
import shlex
import subprocess
from pathlib import Path

from psycopg import connect

from tests.adopting.sites import Site
from tests.harness import databases
from tests.harness.databases import address

PAGE = databases.ROOT / "docs" / "adopting.md"
BLOCK = re.compile(r"^```(sql|sh|ini)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Reader:
    """Somebody who does what the page says."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.printed: dict[str, str] = {}
        self.settings: dict[str, str] = {}

    def follow(self, kind: str, text: str) -> None:
        if kind == "ini":
            self.settings = dict(line.split("=", 1) for line in text.splitlines())
        elif kind == "sql":
            self.sql(text)
        else:
            for line in text.splitlines():
                self.command(line)

    def sql(self, text: str) -> None:
        included = re.findall(r"^\\i (.+)$", text, re.MULTILINE)
        self.site.execute(re.sub(r"^\\i .+$", "", text, flags=re.MULTILINE))
        for name in included:
            for statement in (self.site.folder / name).read_text().split(";"):
                self.site.execute(statement)

    def command(self, line: str) -> None:
        program, *words = shlex.split(line)
        if program == "sed":
            subprocess.run(line, shell=True, check=True, cwd=self.site.folder)
            return
        assert program == "manage.py"
        if words[0] == "rehearse":
            self.fill_in()
        here = ["--into", str(self.site.folder)] if words[0] == "adopt" else []
        words = [str(self.site.folder / word) if word == "people.csv" else word for word in words]
        self.printed[words[0]] = self.site.run(*words, *here, owner=words[0] == "migrate", more=self.settings)

    def fill_in(self) -> None:
        """Enter the IDs of those who stay for those who have left."""
        file = self.site.folder / "people.csv"
        header, *rows = csv.reader(file.read_text(encoding="utf-8-sig").splitlines())
        source, target = header.index("From User ID"), header.index("To User ID")
        rows_of = {row[header.index("User Name")]: row for row in rows}
        for number in range(1, 6):
            rows_of[f"agent{number}"][target] = rows_of[f"agent{number + 10}"][source]
        with file.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([header, *rows])


def test_the_page(site: Site, tmp_path: Path) -> None:
    site.load("suite")
    site.python("tests/adopting/administrator.py")
    reader = Reader(site)
    before = everything(site)
    for kind, text in BLOCK.findall(PAGE.read_text()):
        reader.follow(kind, text)
    assert "20 users created" in reader.printed["sync_people"]
    assert ", 0 undecided." in reader.printed["coverage"]
    assert "5 of 5 users would be transferred" in reader.printed["rehearse"]
    assert "the database is as it was when it was written" in reader.printed["adopt"]
    assert everything(site) == before


def everything(site: Site) -> list[str]:
    tables = ("person", "evaluation", "evaluation_answer", "shift", "shift_break", "time_off", "team_view")
    with connect(address(site.database)) as connection:
        return [
            text
            for table in tables
            for (text,) in connection.execute(f"SELECT to_jsonb(t)::text FROM suite.{table} AS t ORDER BY 1")
        ]
