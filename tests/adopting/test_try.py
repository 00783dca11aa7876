import os, shutil
from tests.adopting.sites import Site
import pytest

PEOPLE = {"mediawiki": "mwuser", "gitlab": "users", "outline": "users"}


@pytest.mark.parametrize("schema", PEOPLE)
def test_try(site: Site, schema: str) -> None:
    site.load(schema)
    table = PEOPLE[schema]
    site.execute(
        f"GRANT USAGE ON SCHEMA {schema} TO transfer; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO transfer;"
    )
    print(site.adopt(schema, f"{schema}.{table}"))
    shutil.rmtree(f"/tmp/w20out/{schema}", ignore_errors=True)
    shutil.copytree(site.folder / "ours", f"/tmp/w20out/{schema}")
    print(site.manage("check", "--database", "default", apps="ours")[1])
    site.answer_as_proposed()
    site.grant()
    print(site.manage("check", "--database", "default", apps="ours")[1])
    print(site.manage("coverage", apps="ours"))
