"""With APP_SCHEMA, the site lives in a schema of its own, in a database that another program owns."""

import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.harness import databases
from transfer_site.run.embedded import APPLICATION
from transfer_site.settings import people

OWNER = "test_schema_owner"
# Another Django program has tables of the same names, and the extensions.
THEIRS = f"""
CREATE SCHEMA suite;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION unaccent;
CREATE TABLE public.django_migrations (id bigserial, app text, name text, applied timestamptz);
INSERT INTO public.django_migrations (app, name, applied) VALUES ('tenancy', '0001_first', now());
CREATE TABLE public.django_session (session_key text);
CREATE TABLE suite.person (
    person_id integer PRIMARY KEY, user_name text, email text, first_name text, last_name text, team text,
    active boolean
);
INSERT INTO suite.person VALUES (7, 'ana', '', 'Ana', 'Díaz', 'Support', true);
GRANT USAGE ON SCHEMA suite TO {APPLICATION};
GRANT SELECT ON suite.person TO {APPLICATION};
"""
TABLES = """
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v') AND NOT EXISTS (
    SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e'
) ORDER BY 1
"""


@pytest.fixture
def theirs() -> Iterator[str]:
    """A database of another program, and a role that may do nothing in it."""
    databases.execute("postgres", sql.SQL(f"CREATE ROLE {OWNER} LOGIN"))
    try:
        with databases.scratch_database("test_app_schema") as name:
            for statement in filter(str.strip, THEIRS.split(";")):
                databases.execute(name, sql.SQL(statement))
            yield name
    finally:
        databases.execute("postgres", sql.SQL(f"DROP ROLE {OWNER}"))


def manage(name: str, *words: str, schema: str = '"our own"', typed: str = "") -> tuple[int, str]:
    """Run a command with the roles of a site, neither of which is a superuser. Return its exit code and output."""
    of_role = {role: make_conninfo(databases.address(name), user=role) for role in (APPLICATION, OWNER)}
    given = {"DATABASE_URL": of_role[APPLICATION], "MIGRATION_DATABASE_URL": of_role[OWNER], "EXTRA_APPS": ""}
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=databases.ROOT,
        env=databases.environment(name, {**given, "APP_SCHEMA": schema, "PEOPLE_VIEW": "suite.person"}),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def tables(name: str, schema: str) -> list[str]:
    with psycopg.connect(databases.address(name)) as session:
        return [table for (table,) in session.execute(TABLES, [schema]).fetchall()]


def test_the_site_is_in_its_own_schema_and_nothing_is_in_theirs(theirs: str) -> None:
    code, printed = manage(theirs, "migrate")
    assert (code, 'CREATE SCHEMA "our own" AUTHORIZATION' in printed) == (1, True), printed
    databases.execute(
        theirs, sql.SQL('CREATE SCHEMA "our own" AUTHORIZATION {}').format(sql.Identifier(OWNER))
    )
    before = tables(theirs, "public"), tables(theirs, "suite")
    for words in (("migrate",), ("migrate",), ("check", "--database", "default")):
        code, printed = manage(theirs, *words)
        assert code == 0, printed
    assert (tables(theirs, "public"), tables(theirs, "suite")) == before
    assert {"django_migrations", "accounts_user", "operations_fingerprint"} <= set(tables(theirs, "our own"))
    code, printed = manage(theirs, "new_tenant", "Acme", "--admin", "tara", typed="a long way to Tipperary\n")
    assert code == 0, printed
    code, printed = manage(theirs, "sync_people")
    assert "Acme: 1 user created" in printed


def test_a_schema_of_another_program_is_refused(theirs: str) -> None:
    code, printed = manage(theirs, "migrate", schema="suite")
    assert code == 1
    assert "has tables of another program, such as person. Nothing was changed." in " ".join(printed.split())
    assert tables(theirs, "suite") == ["person"]


def test_the_check_says_that_the_schema_is_missing(theirs: str) -> None:
    assert "(tenancy.E011)" in manage(theirs, "check", "--database", "default")[1]


@pytest.mark.parametrize("text", ["", "a.b", "pg_catalog", "information_schema", "a b"])
def test_no_schema(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="APP_SCHEMA"):
        people.schema(text)
