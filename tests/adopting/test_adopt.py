"""What `manage.py adopt` refuses, and what it prints if the app is there."""

import json
import re
from pathlib import Path

import pytest

from tests.adopting.sites import Site

SUITE = """
CREATE SCHEMA suite;
CREATE TABLE suite.person (person_id integer PRIMARY KEY, name text);
CREATE TABLE suite.note (id bigint PRIMARY KEY, agent_id integer NOT NULL REFERENCES suite.person, body text);
CREATE INDEX ON suite.note (agent_id);
CREATE SCHEMA empty;
CREATE SCHEMA closed;
CREATE TABLE closed.person (person_id integer PRIMARY KEY);
GRANT USAGE ON SCHEMA suite TO transfer;
GRANT SELECT ON ALL TABLES IN SCHEMA suite TO transfer;
"""


@pytest.fixture
def suite(site: Site) -> Site:
    site.execute(SUITE)
    return site


BROKEN_VIEW = """
INSERT INTO suite.person VALUES (1, 'Ana');
CREATE VIEW suite.broken AS SELECT person_id + 0 AS person_id FROM suite.person WHERE 1 / (person_id - person_id) > 0;
GRANT SELECT ON suite.broken TO transfer;
"""


GOOD = ("--people", "suite.person", "--app", "ours")
# The words of a command, and what it says.
REFUSED = [
    (("suit", *GOOD), "The database has no schema suit. It has: closed, empty, public, suite."),
    (("empty", *GOOD), "The schema empty has no tables."),
    (("suite", *GOOD, "--tables", "nota", "nope"), "The schema suite has no table nope, nota."),
    *(
        (("suite", "--people", people, "--app", "ours"), words)
        for people, words in (
            ("suite.people", "no table or view suite.people"),
            ("suite.person.id", "no column id. It has: person_id, name."),
            ("a.b.c.d", "neither schema.table nor schema.table.column"),
            ("closed.person", 'GRANT SELECT ON "closed"."person" TO "transfer";'),
            (
                "suite.broken",
                "of the view suite.broken is: division by zero."
                " Name the column of the table: --people schema.table.column",
            ),
        )
    ),
    *((("suite", *GOOD[:2], "--app", app), "is no name of an app") for app in ("Our-Suite", "class", "1st")),
    (("suite", *GOOD[:2], "--app", "other"), "was not written by this command"),
    (("suite", *GOOD[:2], "--app", "transfers"), "is the name of a package"),
]


def test_what_is_refused(suite: Site) -> None:
    suite.execute(BROKEN_VIEW)
    (suite.folder / "other").mkdir()
    before = sorted(suite.folder.rglob("*"))
    commands = [["adopt", *words, "--into", str(suite.folder)] for words, _ in REFUSED]
    answers = json.loads(suite.python("-m", "tests.adopting.several", json.dumps(commands)))
    for (words, sentence), (code, printed) in zip(REFUSED, answers, strict=True):
        assert code == 1, (words, printed)
        assert sentence in printed, words
        assert "Traceback" not in printed
    assert sorted(suite.folder.rglob("*")) == before, "nothing is half written"


def test_a_folder_that_cannot_be_written(suite: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = ("--people", "suite.person", "--app", "ours", "--into", str(tmp_path / "file"))
    code, printed = suite.manage("adopt", "suite", *words)
    assert code == 1
    assert "No folder can be made in" in printed


def test_tables_that_the_role_may_not_read_are_named(suite: Site) -> None:
    suite.execute("CREATE TABLE suite.secret (id bigint PRIMARY KEY, user_id integer)")
    suite.adopt("suite", "suite.person")
    assert "suite.secret: not sampled, because the application's role may not read it." in suite.read(
        "README.md"
    )
    assert 'Column("user_id", holds="external_id")' in suite.read("datatypes.py"), "the name says enough"


def test_only_some_tables(suite: Site) -> None:
    suite.execute("CREATE TABLE suite.draft (id bigint PRIMARY KEY, user_id integer)")
    suite.adopt("suite", "suite.person", "--tables", "note")
    assert "Draft" not in suite.read("models.py")
    suite.answer_as_proposed()
    suite.grant()
    suite.run("check", "--database", "default", apps="ours")


def test_what_has_changed_since(suite: Site) -> None:
    suite.adopt("suite", "suite.person")
    suite.answer_as_proposed()
    suite.grant()
    before = contents(suite)
    assert f" --app ours --into {suite.folder}\n" in before["README.md"]
    assert "the database is as it was" in suite.adopt("suite", "suite.person")
    suite.execute(
        """
        ALTER TABLE suite.note ADD reviewer_id integer REFERENCES suite.person, DROP body, ALTER agent_id DROP NOT NULL;
        CREATE TABLE suite.shift (id bigint PRIMARY KEY, agent_id integer REFERENCES suite.person, locked_by integer);
        CREATE FUNCTION suite.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER watch BEFORE UPDATE ON suite.note FOR EACH ROW EXECUTE FUNCTION suite.keep();
        GRANT SELECT ON ALL TABLES IN SCHEMA suite TO transfer;
        """
    )
    printed = suite.adopt("suite", "suite.person")
    for line in (
        "gone     suite.note: column body text",
        "new      suite.note: column reviewer_id integer",
        "changed  suite.note: column agent_id from integer NOT NULL to integer",
        "new      suite.note: foreign key note_reviewer_id_fkey (reviewer_id) to person",
        "new      suite.note: trigger watch",
        "new      suite.shift",
        "class Shift(models.Model):",
        "    reviewer_id = models.IntegerField(null=True)",
        "# to the owners of suite.note, or to NOT_TRANSFERRED with the reason:",
        '    Column("reviewer_id", holds="external_id"),',
        "        models.Shift,",
        '"ours.Shift.locked_by": undecided(',
    ):
        assert line in printed
    assert contents(suite) == before, "nothing is changed"
    code, _ = suite.manage("check", "--database", "default", apps="ours")
    assert code == 1
    assert "describes the database of today" in suite.adopt("suite", "suite.person", "--seen")
    assert {name for name, text in contents(suite).items() if before[name] != text} == {"catalog.json"}
    assert "the database is as it was" in suite.adopt("suite", "suite.person")


# As in a program that leaves references to its own code: names that are written together, people 1, 2, 3 …, 0 for
# nobody, and a prefix. Any small number is a person, so only names say what the others are.
WITHOUT_FOREIGN_KEYS = """
CREATE SCHEMA lms;
SET search_path = lms;
CREATE TABLE m_user (id bigint PRIMARY KEY, username text, deputy_id bigint, usermodified bigint);
CREATE TABLE m_forum (id bigint PRIMARY KEY, course text, usermodified bigint);
CREATE TABLE m_forum_posts (id bigint PRIMARY KEY, forumid bigint, userid bigint, loggeduser bigint,
    usermodified bigint);
CREATE TABLE m_post (id bigint PRIMARY KEY, title text);
CREATE TABLE m_forum_read (postid bigint, useridto bigint, usermodified bigint, UNIQUE (useridto, postid));
CREATE TABLE m_quiz (id bigint PRIMARY KEY, attempts bigint, attempt bigint, shown smallint);
CREATE TABLE m_quiz_attempts (id bigint PRIMARY KEY, quiz bigint, relateduserid bigint, UNIQUE (quiz, relateduserid));
CREATE TABLE m_quiz_steps (id bigint PRIMARY KEY, attemptid bigint NOT NULL, grader bigint, weight bigint,
    UNIQUE (attemptid, weight));
CREATE TABLE m_quiz_marks (id bigint PRIMARY KEY, stepid bigint NOT NULL);
CREATE TABLE m_object_lookup (id bigint PRIMARY KEY, name text UNIQUE);
CREATE TABLE m_view (id bigint PRIMARY KEY, object_lookup_id bigint, o_id bigint, created_by_id bigint,
    made_by_type text);
INSERT INTO m_user SELECT n, 'user' || n, 1, 1 FROM generate_series(1, 30) AS n;
INSERT INTO m_quiz SELECT n, 1 + n % 3, 1 + n % 3, 1 FROM generate_series(1, 9) AS n;
INSERT INTO m_quiz_attempts SELECT n, 1 + n % 9, n FROM generate_series(1, 30) AS n;
INSERT INTO m_quiz_steps SELECT n, n % 31, 1 + n % 9, n FROM generate_series(1, 40) AS n;
INSERT INTO m_object_lookup VALUES (4, 'Quiz'), (7, 'User');
INSERT INTO m_view SELECT n, 4 + 3 * (n % 2), n, 3, 'Quiz' FROM generate_series(1, 20) AS n;
CREATE VIEW transfer_people AS SELECT id AS person_id, username AS user_name FROM m_user;
RESET search_path;
GRANT USAGE ON SCHEMA lms TO transfer;
GRANT SELECT ON ALL TABLES IN SCHEMA lms TO transfer;
"""


def test_a_program_without_foreign_keys(site: Site) -> None:
    site.execute(WITHOUT_FOREIGN_KEYS)
    printed = site.adopt("lms", "lms.transfer_people")
    types = re.sub(r'"\n +"', "", site.read("datatypes.py"))
    for part in (
        '(Column("userid", holds="external_id"), Column("loggeduser", holds="external_id")),',
        '(Column("useridto", holds="external_id"),),',
        '(Column("relateduserid", holds="external_id"),),',
        'Polymorphic("o_id", "object_lookup", "7", holds="external_id"),',
        "where object_lookup_id is User.",
        "Do people stand in grader? Its name may say so",
        "deputy_id is in the table of the people and names another person",
        "by name and values these columns refer to them: lms.m_quiz_steps.attemptid, lms.m_quiz_marks.stepid.",
        "These may, or refer to another table or hold a number: lms.m_quiz.attempt.",
        'Child(models.MQuizSteps, "attemptid", children=(Child(models.MQuizMarks, "stepid"),)),',
        "In 4 tables (lms.m_forum, lms.m_forum_posts, lms.m_forum_read, lms.m_user): Does usermodified only say",
        '"ours.MForum.usermodified": STAYS_USERMODIFIED,',
        '"Quiz Attempts",',
    ):
        assert part in types
    for absent in ("shown", "made_by_type", '"lms.m_user.username"'):
        assert absent not in types
    for part in (
        "The people of the view lms.transfer_people are rows of lms.m_user.id.",
        "lms.m_forum_posts is taken to be referenced, by names and values",
        "PEOPLE_KEY=lms.m_user.id",
    ):
        assert part in site.read("README.md")
    assert f", {types.count('undecided(')} questions." in printed
    code, printed = site.manage("check", "--database", "default", apps="ours")
    assert code == 1
    assert re.search(r"(\S+\.usermodified, ){3}\S+\.usermodified: In 4 tables", printed)
    assert "adopting.E002" not in printed, "each column that the check finds is asked about"
    site.answer_as_proposed()
    site.grant()
    site.run("check", "--database", "default", apps="ours")
    assert ", 0 undecided." in site.run("coverage", apps="ours")


def contents(site: Site) -> dict[str, str]:
    return {file.name: file.read_text() for file in (site.folder / "ours").glob("*.*")}


def test_a_table_with_foreign_keys_to_our_own_users(site: Site) -> None:
    site.execute(
        """
        CREATE SCHEMA suite;
        CREATE TABLE suite.note (id bigint PRIMARY KEY, agent_id bigint REFERENCES accounts_user, at date);
        CREATE TABLE suite.pin (id bigint PRIMARY KEY, user_id bigint UNIQUE REFERENCES accounts_user);
        GRANT USAGE ON SCHEMA suite TO transfer;
        GRANT SELECT ON ALL TABLES IN SCHEMA suite TO transfer;
        """
    )
    site.adopt("suite", "accounts_user")
    assert 'Column("agent"),' in site.read("datatypes.py")
    assert 'user = models.OneToOneField(\n        "accounts.User",' in site.read("models.py")
    site.answer_as_proposed()
    site.grant()
    site.run("check", "--database", "default", apps="ours")
    assert "suite.pin.user_id  transferred by Pin" in site.run("coverage", apps="ours")


def test_without_an_adopted_app_there_is_nothing_to_cover(site: Site) -> None:
    assert "No app has adopted tables" in site.run("coverage")
