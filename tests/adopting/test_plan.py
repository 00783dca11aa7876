"""What is proposed for tables that a test makes up, without the commands: `manage.py adopt` as functions."""

import re

import pytest
from django.db import connection

from adopting.catalog.reading import read_database
from adopting.proposing.building import build_plan
from adopting.writing.files import files_of
from tests.fixtures.roles import as_owner
from transfer_site.run.embedded import APPLICATION

pytestmark = pytest.mark.django_db
PERSON = "CREATE TABLE suite.person (person_id integer PRIMARY KEY, login text);"


def adopt(tables: str, people: str = "suite.person") -> dict[str, str]:
    """Return the files that are written for these tables of the schema `suite`, with sentences on one line."""
    change(f"CREATE SCHEMA suite; {tables}")
    files = files_of(build_plan(read_database("suite", people)), "ours", "manage.py adopt suite")
    return {name: re.sub(r'"\n +"', "", text) for name, text in files.items()}


def change(statements: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statements)
        cursor.execute(f"GRANT USAGE ON SCHEMA suite TO {APPLICATION}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA suite TO {APPLICATION}")


SET_ASIDE = """
CREATE TABLE suite.api_token (id integer PRIMARY KEY, agent_id integer REFERENCES suite.person,
    coach_id integer REFERENCES suite.person);
CREATE TABLE suite.visit (id integer PRIMARY KEY, agent_id integer REFERENCES suite.person,
    coach_id integer REFERENCES suite.person);
CREATE RULE kept AS ON DELETE TO suite.visit DO INSTEAD NOTHING;
"""


def test_a_table_that_stays_asks_one_question() -> None:
    types = adopt(PERSON + SET_ASIDE)["datatypes.py"]
    for table, why in (("api_token", "belong to the account"), ("visit", "the rule kept rewrites")):
        about = f'undecided(\n        "suite.{table}.agent_id, suite.{table}.coach_id",'
        assert types.count(about) == 1
        assert len(re.findall(rf'^        "[^"]*{why}[^"]*\?', types, re.MULTILINE)) == 1
    assert (
        '"ours.ApiToken.coach_id": "it belongs to the account, not to the work: its name says sign-in.",'
        in types
    )
    assert len(re.findall(r"^[^#\n]*undecided\(", types, re.MULTILINE)) == 2
