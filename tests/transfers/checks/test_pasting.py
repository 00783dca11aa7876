"""The lines that checks print can be pasted as they are: into a generated app, after which the site starts."""

import itertools
import os
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import models
from psycopg import sql
from psycopg.conninfo import make_conninfo

from accounts.models import User
from records.quality.models import Evaluation
from tests.harness import databases
from tests.harness.databases import address, copied_database, run_python, scratch_database
from tests.transfers.checks.declaring import entry, model
from transfer_site.run.embedded import APPLICATION
from transfers.checks import declarations
from transfers.rules import Column

# --- A generated app, in a database of its own -----------------------------------------------------------------------

MODELS = """
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from accounts.models import User

def to_user(**options):
    return models.ForeignKey(User, models.PROTECT, related_name="+", **options)

class Call(models.Model):
    agent = to_user()
    closed_by = to_user(null=True)
    listeners = models.ManyToManyField(User, related_name="+")

class Shift(models.Model):
    '''A row with a key and lines that belong to it.'''
    worker = to_user()
    day = models.DateField()

    class Meta:
        verbose_name_plural = 'so-called "shifts"'
        unique_together = [("worker", "day")]

class Break(models.Model):
    shift = models.ForeignKey(Shift, models.CASCADE)
    place = models.IntegerField()

    class Meta:
        unique_together = [("shift", "place")]

class BreakMark(models.Model):
    of = models.ForeignKey(Break, models.CASCADE)

class Folder(models.Model):
    '''A tree with names.'''
    owner = to_user()
    name = models.CharField(max_length=50)
    parent = models.ForeignKey("self", models.PROTECT, null=True)

    class Meta:
        unique_together = [("owner", "name")]

class Tag(models.Model):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.BigIntegerField()
    content_object = GenericForeignKey()
    name = models.CharField(max_length=20)

    class Meta:
        unique_together = [("content_type", "object_id", "name")]

class Remark(models.Model):
    kind = models.ForeignKey(ContentType, models.CASCADE)
    about = models.CharField(max_length=20, db_index=True)
    thing = GenericForeignKey("kind", "about")

class Token(models.Model):
    '''A UUID is never the ID of a user.'''
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.UUIDField()
    content_object = GenericForeignKey()

def history():
    class HistoricalCall(models.Model):
        agent = to_user()

        class Meta:
            app_label = "crm"

history()
"""
WITH_CALLS = """
from django.db import models
from accounts.models import User

class Call(models.Model):
    agent = models.ForeignKey(User, models.PROTECT, related_name="+")
    of = models.ForeignKey("crm.Call", models.CASCADE, related_name="+")
"""


class Site:
    """A site with generated apps in a temporary folder."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.database = database

    def write(self, file: str, text: str) -> None:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(textwrap.dedent(text))

    def manage(self, *words: str, apps: str = "crm") -> tuple[int, str]:
        path = os.pathsep.join(map(str, [self.folder, self.folder / "site-packages", databases.ROOT]))
        application = make_conninfo(address(self.database), user=APPLICATION)
        more = {
            "DATABASE_URL": application,
            "EXTRA_APPS": apps,
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = run_python(self.database, "manage.py", *words, more=more)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with scratch_database("pasted_site") as name:
        yield Site(tmp_path, name)


def block(text: str, start: str) -> str:
    """Return the indented lines after the line with these words."""
    _, _, after = text.partition(start)
    lines = after.splitlines()[1:]
    indented = itertools.takewhile(lambda line: not line or line.startswith("    "), lines)
    return textwrap.dedent("\n".join(indented)) + "\n"


OWN = "an app of your own"
KEPT_OUT = "List the columns"


def declared(text: str, app: str = "the app 'crm'") -> str:
    return block(text, f"to the datatypes.py of {app}")


def kept_out(text: str) -> str:
    return block(text, KEPT_OUT)


def assert_it_starts(site: Site, *words: str, apps: str = "crm") -> None:
    code, printed = site.manage("check", *words, apps=apps)
    assert code == 0, printed


def migrate(site: Site, app: str, apps: str = "crm") -> None:
    site.write(f"{app}/migrations/__init__.py", "")
    for words in (["makemigrations", app], ["migrate"]):
        code, printed = site.manage(*words, apps=apps)
        assert code == 0, printed


def test_the_lines_for_an_app_can_be_pasted(site: Site) -> None:
    """Either those that declare its data types or those that keep its columns out."""
    site.write("crm/models.py", MODELS)
    code, printed = site.manage("check")
    assert code != 0
    assert len(re.findall("If these records belong", printed)) == 1, "one text for one file"
    assert "crm.Token" not in printed
    site.write("crm/datatypes.py", declared(printed))
    assert_it_starts(site)
    text = (site.folder / "crm/datatypes.py").read_text()
    for part in (
        '(Column("agent"), Column("closed_by"))',
        'Combine(on_clash=Rename("name"))',
        'Polymorphic("object_id", "content_type", "accounts.User")',
        'Polymorphic("about", "kind", "accounts.User", as_text=True)',
        'Child(Break, "shift", children=(Child(BreakMark, "of"),))',
        'apps.get_model("crm", "HistoricalCall")',
    ):
        assert part in text
    site.write("crm/datatypes.py", kept_out(printed))
    assert_it_starts(site)


def test_lines_are_added_to_a_file_that_has_some(site: Site) -> None:
    site.write("crm/models.py", MODELS.split("class Shift")[0])
    lines = declared(site.manage("check")[1]) + "\nNOT_TRANSFERRED = {}\n"
    site.write("crm/datatypes.py", lines)
    assert_it_starts(site)
    site.write("crm/models.py", MODELS)
    _, printed = site.manage("check")
    site.write("crm/datatypes.py", lines + declared(printed))
    assert_it_starts(site)
    site.write("crm/datatypes.py", lines + kept_out(printed))
    assert_it_starts(site)


def test_packages_of_others_are_declared_in_an_app_of_ones_own(site: Site) -> None:
    site.write("crm/models.py", "from django.db import models\nclass Call(models.Model): pass\n")
    for name in ("phone", "radio"):
        site.write(f"site-packages/{name}/models.py", WITH_CALLS)
    apps = "crm,phone,radio"
    _, printed = site.manage("check", apps=apps)
    assert "site-packages" not in printed
    assert len(re.findall("If these records belong", printed)) == 1
    site.write("crm/datatypes.py", declared(printed, OWN))
    assert_it_starts(site, apps=apps)


def test_migrations_that_depend_on_others(site: Site) -> None:
    """Checks run before the first `migrate`, when there are no tables and no content types."""
    site.write("crm/models.py", MODELS)
    site.write("crm/datatypes.py", declared(site.manage("check")[1]))
    migrate(site, "crm")
    assert "('contenttypes', " in (site.folder / "crm/migrations/0001_initial.py").read_text()
    everything = ("--database", "default", "--fail-level", "WARNING")
    assert_it_starts(site, *everything)
    site.write("phone/models.py", WITH_CALLS)
    site.write("phone/datatypes.py", declared(site.manage("check", apps="crm,phone")[1], "the app 'phone'"))
    migrate(site, "phone", apps="phone,crm")
    assert_it_starts(site, *everything, apps="phone,crm")


TABLES = """
CREATE SCHEMA suite;
GRANT USAGE ON SCHEMA suite TO transfer;
ALTER TABLE accounts_user ADD UNIQUE (tenant_id, id);
CREATE TABLE suite."Old shifts" (
    "Number" uuid, user_id bigint REFERENCES accounts_user, planner bigint REFERENCES accounts_user, day date,
    PRIMARY KEY (user_id, day)
);
CREATE TABLE suite.case_of (
    "from" integer PRIMARY KEY, tenant_id bigint, user_id bigint,
    FOREIGN KEY (user_id, tenant_id) REFERENCES accounts_user (id, tenant_id)
);
CREATE TABLE "2nd log" (person_id bigint REFERENCES accounts_user);
GRANT SELECT, INSERT, UPDATE, DELETE ON suite."Old shifts", suite.case_of, "2nd log" TO transfer;
"""


@pytest.fixture
def migrated_site(tmp_path: Path, migrated_database: str) -> Iterator[Site]:
    with copied_database("pasted_site", migrated_database) as name:
        yield Site(tmp_path, name)


def test_the_lines_for_tables_without_a_model_can_be_pasted(migrated_site: Site) -> None:
    site = migrated_site
    site.write("crm/models.py", "")
    databases.execute(site.database, sql.SQL(TABLES))
    _, printed = site.manage("check", "--database", "default")
    assert printed.count("(transfers.E003)") == 4
    found = [
        (block(text, "to the models.py"), block(text, "and to its datatypes.py"))
        for text in re.findall(r"HINT: (If these records.*?lists already)", printed, re.DOTALL)
    ]
    assert len(found) == 3
    site.write("crm/models.py", "".join(text for text, _ in found))
    joined = "".join(text for _, text in found[:1]) + "".join(
        text.replace("DATA_TYPES = [", "DATA_TYPES += [") for _, text in found[1:]
    )
    site.write("crm/datatypes.py", joined)
    assert_it_starts(site, "--database", "default")
    site.write("crm/models.py", "")
    lists = [kept_out(text) for text in re.findall(r"List the columns.*?lists already", printed, re.DOTALL)]
    site.write("crm/datatypes.py", lists[0] + "".join(text.replace(" = {", " |= {") for text in lists[1:]))
    assert_it_starts(site, "--database", "default")


# --- Without a site --------------------------------------------------------------------------------------------------


def test_a_column_of_a_model_that_is_declared_already() -> None:
    [message] = declarations.undeclared([Evaluation], [entry(Evaluation, Column("evaluator"))], {})
    assert "add to the owners of the DataType 'Notes':\n    Column(\"approver\"),\n" in str(message.hint)


def test_a_through_table_is_named_by_the_field() -> None:
    note = model(readers=models.ManyToManyField(User, related_name="+"))
    [message] = declarations.undeclared([note._meta.get_field("readers").remote_field.through], [], {})
    assert '.readers.through, (Column("user"),), Combine(on_clash=KeepTarget())' in str(message.hint)
