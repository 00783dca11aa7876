"""Tables as bad as they get: the app is complete, passes the linters and the start-up checks, and asks what it must."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.adopting.sites import Site
from tests.harness import databases

PEOPLE = """
INSERT INTO odd.person SELECT 7000 + 31 * n, 'login' || n, NULL FROM generate_series(1, 40) AS n;
INSERT INTO odd.agent SELECT person_id, 'x' FROM odd.person;
INSERT INTO odd.call SELECT n, 7000 + 31 * n, 'login' || n, ARRAY[7000 + 31 * n, 7000 + 31 * (n + 1)],
    jsonb_build_object('to', jsonb_build_object('coaches', jsonb_build_array(7000 + 31 * n)),
        'steps', jsonb_build_array(jsonb_build_object('by', 7000 + 31 * n)))
FROM generate_series(1, 30) AS n;
INSERT INTO odd.page_visit SELECT person_id, 1, person_id % 2, 1700000000 + person_id FROM odd.person;
INSERT INTO odd.page_count SELECT person_id, 1, 12 FROM odd.person;
"""
WIDE = "CREATE TABLE odd.very_wide (agent_id integer REFERENCES odd.agent, {})"


@pytest.fixture
def odd(site: Site) -> Site:
    site.load("odd")
    site.execute(PEOPLE)
    site.execute(WIDE.format(", ".join(f"column_{number} text" for number in range(200))))
    site.execute(
        "GRANT USAGE ON SCHEMA odd TO transfer; GRANT SELECT ON ALL TABLES IN SCHEMA odd TO transfer;"
    )
    site.adopt("odd", "odd.person.person_id")
    return site


def test_the_start_is_stopped_until_the_questions_are_answered(odd: Site) -> None:
    code, printed = odd.manage("check", apps="ours")
    assert code == 1
    assert "odd.workday: Combine or overwrite the rows of person_id?" in printed
    assert "Which row survives on the key (person_id, day)?" in printed
    assert "datatypes.py:" in printed
    code, printed = odd.manage("coverage", apps="ours")
    assert code == 1
    assert "odd.workday.person_id  undecided: Combine or overwrite" in printed
    odd.answer_as_proposed()
    odd.grant()
    needed = {
        line for line in odd.python("tests/adopting/rights.py", apps="ours").splitlines() if "odd" in line
    }
    granted = {line for line in odd.read("grants.sql").splitlines() if " ON SCHEMA " not in line} - needed
    assert needed
    assert sorted(filter(None, granted)) == [
        "-- Exactly the rights that the application needs. Run these as the owner of the tables.",
        'GRANT SELECT ON "odd"."person" TO "transfer";',
    ]
    assert needed <= set(odd.read("grants.sql").splitlines())
    printed = odd.run("check", "--database", "default", apps="ours")
    assert "ERRORS" not in printed
    assert "transfers.W101" not in printed, "indexes.sql has them all"
    assert (
        "the trigger log_changes of odd.watched writes rows to odd.watched_before with each UPDATE" in printed
    )
    printed = odd.run("coverage", apps="ours")
    assert ", 0 undecided." in printed
    assert "odd.workday.person_id  transferred by Workday" in printed
    assert "odd.wide.copied_agent_id  not transferred because the database computes its values." in printed
    assert "because the rule no_delete rewrites its DELETE statements." in printed
    odd.execute("ALTER TABLE odd.meta ADD reviewer_id integer REFERENCES odd.person")
    odd.execute("CREATE TABLE odd.later (id bigint PRIMARY KEY, user_id integer)")
    code, printed = odd.manage("check", "--database", "default", apps="ours")
    assert code == 1
    for column in ("odd.meta.reviewer_id", "odd.later.user_id"):
        assert (
            f"{column} holds people, but is neither an owner of a data type nor in NOT_TRANSFERRED" in printed
        )


def test_what_is_written(odd: Site) -> None:
    types = re.sub(r'"\n +"', "", odd.read("datatypes.py"))  # long texts are over several lines
    models, readme = odd.read("models.py"), odd.read("README.md")
    for part in (
        'ArrayColumn("listeners", holds="external_id")',
        'JsonPath("details", "to", "coaches", holds="external_id")',
        'Column("handled_by", holds="external_id")',
        "of 30 sampled values 100% are people",
        "it holds user names",
        'Combine(on_clash=Latest("updated_at"))',
        'Combine(on_clash=Rename("name"))',
        "# unique shift_agent_id_day_key (agent_id, day)",
        "# a deleted row deletes the rows of odd.shift_break with it in shift_id (shift_break_shift_id_fkey)",
        "its policy own_branch may hide rows from the application",
        "the row stands for the person, and rows of other tables reference it as one",
        "manager_id is in the table of the people",
    ):
        assert part in types
    for part in (
        "class OrderItem(models.Model):",
        "class Orderitem2(models.Model):",
        "class Table2ndLog(models.Model):",
        "class MetaRow(models.Model):",
        'column_def = models.TextField(null=True, db_column="def")',
        'owner_id_2 = models.IntegerField(null=True, db_column="owner_id")',
        "# type: tsvector",
        "    ctid = models.TextField(primary_key=True)",
        'pk = models.CompositePrimaryKey("person_id", "day")',
        "ArrayField(models.DecimalField(max_digits=8, decimal_places=2), null=True)",
        "column_199 = ",
    ):
        assert part in models
    for part in (
        "odd.watched: trigger watch_changes runs odd.keep() before each UPDATE and may change or prevent it.",
        "odd.call.details: one place of it stays as it is, because the IDs are in a list of objects (steps → by)",
        "odd.hidden: policy own_branch.",
        "odd.ruled: rule no_delete rewrites DELETE.",
        "Publication to_archive",
        "odd.all_shifts: a view.",
        "odd.sent has no primary key",
        "PEOPLE_KEY=odd.person.person_id",
    ):
        assert part in readme


def test_what_is_better_left(odd: Site) -> None:
    types, readme = re.sub(r'"\n +"', "", odd.read("datatypes.py")), odd.read("README.md")
    assert re.findall(r"^    # To transfer them, .*remove \"ours\.(\w+)\.", types, re.MULTILINE) == [
        "AgentPassword",
        "AgentSetting",
        "AppSession",
        "Badge",
        "ExamAttempt",
        "WatchedBefore",
    ]
    for part in (
        "the Target User could sign in as the Source User did. Proposed: they stay.",
        "it has one row per person and the column passwordHash. Moved, a password would become another person's.",
        "attempt seems to number the rows of each person. If so, attempt 1 of the Source User",
        "The trigger log_changes of odd.watched inserts rows into it.",
        "lastaccess is taken for a time in seconds since 1970, by its name and 40 sampled values.",
        "timemodified is taken for a time in seconds since 1970, by its name only, without sampled values.",
        "Of two rows with the same agent_id, folder_id, the Target User's is kept, but only with a unique key",
        "a cleared source_id of odd.pinned may violate pinned_once",
    ):
        assert part in types
    for table, rule in (("page_visit", 'Latest("lastaccess")'), ("page_mark", 'Latest("timemodified")')):
        assert f"Combine(on_clash={rule})" in of_table(types, table)
    for table in ("page_list", "page_count", "folder_reader"):
        assert "Combine(on_clash=KeepTarget())" in of_table(types, table)
    for part in (
        "odd.folder_reader has no unique key on agent_id, folder_id. If the same twice would be a mistake",
        '`ALTER TABLE "odd"."pinned" ADD PRIMARY KEY ("id");`',
        '`CREATE UNIQUE INDEX ON "odd"."folder_reader" ("agent_id", "folder_id");`',
        "It writes rows to odd.watched_before with a transfer and with its undo, which takes none away.",
    ):
        assert part in readme


def of_table(types: str, table: str) -> str:
    return types.partition(f"# odd.{table}.")[2].partition('"Rows of')[0]


def test_no_name_becomes_code(odd: Site) -> None:
    for name in (
        "__init__.py",
        "models.py",
        "datatypes.py",
        "indexes.sql",
        "grants.sql",
        "README.md",
        "catalog.json",
    ):
        text = odd.read(name)
        assert all(char.isprintable() or char == "\n" for char in text), name
        assert not re.search(r"^\s*import os", text, re.MULTILINE), name
    name = r'"odd".U&"a.b""""""\000aimport os # \202e%s \\"'
    assert f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO" in odd.read("grants.sql")


def test_the_linters_are_content(odd: Site) -> None:
    configuration = f"--config={databases.ROOT / 'pyproject.toml'}"
    for words in (["check"], ["format", "--check", "--diff"]):
        done = run("ruff", *words, configuration, str(odd.folder / "ours"), cwd=odd.folder)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_types_are_right(odd: Site, tmp_path: Path) -> None:
    words = [
        f"--config-file={databases.ROOT / 'pyproject.toml'}",
        f"--cache-dir={tmp_path / 'cache'}",
        "-p",
        "ours",
    ]
    environment = {**os.environ, **odd.environment("ours"), "MYPYPATH": f"{odd.folder}:{databases.ROOT}"}
    done = run("mypy", *words, cwd=odd.folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def run(program: str, *words: str, **more: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", program, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)
