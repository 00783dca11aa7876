"""What is proposed for tables that a test makes up, without the commands: `manage.py adopt` as functions."""

import re
import subprocess
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management.base import CommandError
from django.db import connection, models
from django.test.utils import isolate_apps

from adopting.catalog.reading import read_database
from adopting.coverage import coverage
from adopting.drift import drift_of
from adopting.proposing.building import build_plan
from adopting.questions import Adopted, Question
from adopting.writing.files import files_of
from tests.fixtures.roles import as_owner
from tests.transfers.checks.declaring import entry, table
from transfer_site.run.embedded import APPLICATION
from transfers.rules import Column

pytestmark = pytest.mark.django_db
PERSON = "CREATE TABLE suite.person (person_id integer PRIMARY KEY, login text);"


def adopt(tables: str, people: str = "suite.person") -> dict[str, str]:
    """Return the files that are written for these tables of the schema `suite`, with sentences on one line."""
    change(f"CREATE SCHEMA suite; {tables}")
    return written(people)


def written(people: str) -> dict[str, str]:
    files = files_of(build_plan(read_database("suite", people)), "ours", "manage.py adopt suite")
    return {name: re.sub(r'"\n +"', "", text) for name, text in files.items()}


def change(statements: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statements)
        cursor.execute(f"GRANT USAGE ON SCHEMA suite TO {APPLICATION}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA suite TO {APPLICATION}")


# The people have a key of two columns, and a table beside them counts from 1 as they do.
OF_TENANTS = """
CREATE TABLE suite.org (org_id integer PRIMARY KEY, name text);
CREATE TABLE suite.person (org_id integer, number integer, login text, PRIMARY KEY (org_id, number));
CREATE TABLE suite.note (id integer PRIMARY KEY, org_id integer REFERENCES suite.org, agent integer,
    FOREIGN KEY (org_id, agent) REFERENCES suite.person);
CREATE VIEW suite.people AS SELECT number AS person_id, o.name AS tenant
    FROM suite.person JOIN suite.org AS o USING (org_id);
INSERT INTO suite.org SELECT n, 'Org' FROM generate_series(1, 9) AS n;
INSERT INTO suite.person SELECT n, n, 'a' FROM generate_series(1, 5) AS n;
"""


def test_the_table_behind_a_view_is_that_of_its_column() -> None:
    files = adopt(OF_TENANTS, "suite.people")
    assert "The people of the view suite.people are rows of suite.person.number." in files["README.md"]
    assert 'Column("agent", holds="external_id")' in files["datatypes.py"]


def test_a_view_that_computes_the_ids_is_asked_about() -> None:
    view = """CREATE TABLE suite."The.agents" (id integer PRIMARY KEY REFERENCES suite.person);
    CREATE VIEW suite.inner AS SELECT a.id, login FROM suite."The.agents" AS a JOIN suite.person ON person_id = a.id;
    CREATE VIEW suite.people AS SELECT id AS person_id FROM suite.inner;
    CREATE VIEW suite.texts AS SELECT id::text AS person_id FROM suite."The.agents";
    INSERT INTO suite.person VALUES (1, 'a'); INSERT INTO suite."The.agents" VALUES (1);"""
    change(f"CREATE SCHEMA suite; {PERSON} {view}")
    with pytest.raises(CommandError) as refusal:
        read_database("suite", "suite.texts")
    assert str(refusal.value) == (
        "--people: it is not certain of which table the person_id of the view suite.texts is: it is computed, and its"
        """ values are in suite."The.agents".id. Name the column of the table: --people 'suite."The.agents".id'."""
        " If it is of none, name that of the view: --people suite.texts.person_id"
    )
    for named, path in (
        ("suite.texts.person_id", "suite.texts.person_id"),
        ('suite."The.agents".id', "suite.The.agents.id"),
        ("suite.people", "suite.person.person_id"),
    ):
        assert read_database("suite", named).people.path == path


def test_only_tables_that_a_transfer_may_change_need_a_key() -> None:
    readme = adopt(f"""{PERSON}
        CREATE TABLE suite.note (agent_id integer REFERENCES suite.person);
        CREATE TABLE suite.api_token (agent_id integer REFERENCES suite.person);
        CREATE TABLE suite.answer (question text, made_at date);
        CREATE TABLE suite.form (updated_by integer REFERENCES suite.person);
        CREATE TABLE suite.shift (id integer PRIMARY KEY, agent_id integer NOT NULL REFERENCES suite.person);
        CREATE TABLE suite.shift_break (shift_id integer REFERENCES suite.shift);""")["README.md"]
    found = re.findall(r"^- suite\.(\w+) has no primary key", readme, re.MULTILINE)
    assert found == ["api_token", "note", "shift_break"]


def test_the_command_that_answers_the_questions_changes_no_names(tmp_path: Path) -> None:
    files = adopt(f"""{PERSON} CREATE TABLE suite."undecided(" (id integer PRIMARY KEY,
        undecided_by_agent integer REFERENCES suite.person, "undecided" text);
        COMMENT ON TABLE suite."undecided(" IS 'What is undecided('""")
    (tmp_path / "ours").mkdir()
    file, before = tmp_path / "ours" / "datatypes.py", files["datatypes.py"]
    file.write_text(before)
    [command] = re.findall("`(sed .*)`", files["README.md"])
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    assert before.count("import Adopted, undecided\n") == before.count("    undecided(\n") == 1
    assert file.read_text() == before.replace(
        "import Adopted, undecided\n", "import Adopted, decided\n"
    ).replace("    undecided(\n", "    decided(\n")


DOTTED = """
CREATE SCHEMA "Dot.ted";
CREATE TABLE "Dot.ted"."the.person" ("the.id" uuid PRIMARY KEY);
CREATE TABLE "Dot.ted"."a.note" (id integer PRIMARY KEY, "agent.id" uuid REFERENCES "Dot.ted"."the.person",
    "coach.id" uuid, "by.user_id" uuid);
CREATE TABLE "Dot.ted"."A.NOTE" (id integer PRIMARY KEY, "agent.id" uuid REFERENCES "Dot.ted"."the.person",
    "note.person" uuid, "note.people" bigint);
"""


def test_names_with_dots_are_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    change(f"CREATE SCHEMA suite; {DOTTED}")
    with isolate_apps("records.quality"):
        note = table('"Dot.ted"."a.note"', agent=models.UUIDField(db_column="agent.id"))
        owner = Column("agent", holds="external_id")
        question = Question("dot.ted.a.note", "Combine?", "here")
        adopted = Adopted(
            "Dot.ted.the.person.the.id", schemas=("Dot.ted",), found=("Dot.ted.a.note.coach.id",)
        )
        stays = {"dot.ted.a.note.by.user_id": "it is a note."}
        monkeypatch.setattr("adopting.coverage.declarations", lambda: [SimpleNamespace(ADOPTED=adopted)])
        monkeypatch.setattr("adopting.coverage.data_types", lambda: [entry(note, owner)])
        monkeypatch.setattr("adopting.coverage.not_transferred", lambda: stays)
        monkeypatch.setattr("adopting.coverage.open_questions", lambda: [question])
        found = {column.column: (column.state, column.is_asked) for column in coverage()}
    assert found == {
        "Dot.ted.a.note.agent.id": ("undecided", True),
        "Dot.ted.a.note.coach.id": ("undecided", False),
        "Dot.ted.a.note.by.user_id": ("not transferred", False),
        "Dot.ted.A.NOTE.agent.id": ("undecided", False),
        "Dot.ted.A.NOTE.note.person": ("undecided", False),
    }


FOLLOWS = """
CREATE TABLE suite.follow (leader_id integer REFERENCES suite.person, agent_id integer REFERENCES suite.person,
    UNIQUE (leader_id, agent_id), id integer NOT NULL UNIQUE);
CREATE TABLE suite.remark (id integer PRIMARY KEY, follow_id integer REFERENCES suite.follow (id) ON DELETE CASCADE);
"""


def test_what_is_deleted_is_said() -> None:
    files = adopt(PERSON + FOLLOWS, "suite.person.login")
    assert "No unique key holds suite.person.login: two people may have the same ID." in files["README.md"]
    files = written("suite.person")
    assert "3 tables: 1 data type, and 0 columns with people that stay as they are." in files["README.md"]
    for part in (
        "A row with the Target User in both agent_id and leader_id is deleted with what belongs to it.",
        "# a deleted row deletes the rows of suite.remark with it in follow_id (remark_follow_id_fkey)",
    ):
        assert part in files["datatypes.py"]


BELOW = """
CREATE TABLE suite.shift (id integer PRIMARY KEY, agent_id integer REFERENCES suite.person);
CREATE TABLE suite.break_taken (id integer PRIMARY KEY, shift_id integer NOT NULL REFERENCES suite.shift);
CREATE TABLE suite.exam (id integer PRIMARY KEY, agent_id integer REFERENCES suite.person, day date,
    UNIQUE (agent_id, day));
CREATE TABLE suite.answer (id integer PRIMARY KEY, exam_id integer NOT NULL REFERENCES suite.exam);
"""


def test_the_question_says_what_happens_to_rows_below() -> None:
    types = adopt(PERSON + BELOW)["datatypes.py"]
    assert (
        "The Target User's rows of suite.break_taken, and what belongs to them, are deleted with theirs."
        in types
    )
    assert "Rows of suite.answer that belong to the discarded row then belong to the kept one." in types


DRIFT = f"""{PERSON}
CREATE TABLE suite.shift (id integer PRIMARY KEY, agent_id integer REFERENCES suite.person, at date);
CREATE TABLE suite.note (id integer PRIMARY KEY, updated_by integer REFERENCES suite.person);
CREATE TABLE suite.draft (id integer PRIMARY KEY);
"""


def test_what_is_printed_after_changes_can_be_done(tmp_path: Path) -> None:
    for name, text in adopt(DRIFT).items():
        (tmp_path / name).write_text(text)
    change("""ALTER TABLE suite.shift RENAME agent_id TO staff_id; ALTER TABLE suite.shift DROP at;
        ALTER TABLE suite.note ADD agent_id integer REFERENCES suite.person, ADD days date[];
        DROP TABLE suite.draft""")
    out = StringIO()
    drift_of(build_plan(read_database("suite", "suite.person")), tmp_path, "ours", out, seen=False)
    for part in (
        "gone     suite.draft: remove its model and its data type\n",
        "gone     suite.shift: column at date: remove its field from models.py and its lines from datatypes.py\n",
        "(agent_id) to person ON DELETE NO ACTION ON UPDATE NO ACTION to (staff_id)",
        "from django.contrib.postgres.fields import ArrayField\n",
        "from adopting.questions import undecided\nfrom transfers.rules import Column, Combine, DataType\n",
        "# to the owners of suite.shift,",
        '        models.Note,\n        (Column("agent_id", holds="external_id"),),\n',
    ):
        assert part in out.getvalue()
    with pytest.raises(CommandError, match=r"has no table draft\. Leave it out of --tables\."):
        read_database("suite", "suite.person", ["draft"])


SET_ASIDE = """
CREATE TABLE suite.api_token (id integer PRIMARY KEY, agent_id integer REFERENCES suite.person,
    coach_id integer REFERENCES suite.person);
CREATE TABLE suite.visit (id integer PRIMARY KEY, agent_id integer REFERENCES suite.person,
    coach_id integer REFERENCES suite.person);
CREATE RULE kept AS ON DELETE TO suite.visit DO INSTEAD NOTHING;
"""


def test_a_table_that_stays_asks_one_question() -> None:
    types = adopt(PERSON + SET_ASIDE)["datatypes.py"]
    for name, why in (("api_token", "belong to the account"), ("visit", "the rule kept rewrites")):
        about = f'undecided(\n        "suite.{name}.agent_id, suite.{name}.coach_id",'
        assert types.count(about) == 1
        assert len(re.findall(rf'^        "[^"]*{why}[^"]*\?', types, re.MULTILINE)) == 1
    assert (
        '"ours.ApiToken.coach_id": "it belongs to the account, not to the work: its name says sign-in.",'
        in types
    )
    assert len(re.findall(r"^[^#\n]*undecided\(", types, re.MULTILINE)) == 2


EXAMS = """
CREATE TABLE suite.exam (id integer PRIMARY KEY, room text NOT NULL, agent_id integer REFERENCES suite.person, day date,
    UNIQUE (agent_id, day), UNIQUE (id, room));
CREATE TABLE suite.answer (id integer PRIMARY KEY, exam_id integer {column}, room text {other}, score integer {owner},
    FOREIGN KEY (exam_id, room) REFERENCES suite.exam (id, room) {match});
"""
STAYS = "Proposed: leave the rows of suite.exam with the Source User."


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"other": "NOT NULL"}, ""),
        ({"match": "MATCH FULL"}, ""),
        ({"column": "REFERENCES suite.exam"}, ""),
        ({}, ""),
        ({"match": "MATCH FULL NOT ENFORCED"}, ""),
        (
            {"column": "REFERENCES suite.exam NOT ENFORCED"},
            "answer_exam_id_fkey of suite.answer has other columns than a foreign key beside it",
        ),
        (
            {"owner": "REFERENCES suite.person", "match": "MATCH FULL"},
            "rows of suite.answer must not lose their exam_id alone (answer_exam_id_room_fkey is MATCH FULL)",
        ),
    ],
)
def test_a_foreign_key_of_several_columns_is_declared_if_the_check_accepts_it(
    columns: dict[str, str], why: str
) -> None:
    tables = EXAMS.format(**{"column": "", "other": "", "owner": "", "match": ""} | columns)
    types = adopt(PERSON + tables)["datatypes.py"]
    if why:
        assert f"Rows could be dropped, and {why}. {STAYS}" in types
    else:
        assert types.count('Child(models.Answer, "exam")') == 1
        assert STAYS not in types
