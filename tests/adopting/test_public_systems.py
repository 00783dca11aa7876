"""Schemas of public systems are adopted, the questions answered, and a bulk over them is compared row by row."""

import json
from collections.abc import Mapping
from typing import Any

from tests.adopting import filling, reference
from tests.adopting.reference import Merge
from tests.adopting.sites import Site

PAIRS = 20


def prepared(site: Site, schema: str, people: str, world: filling.World) -> None:
    """Load the schema with rows, and adopt it."""
    site.load(schema)
    filling.insert(site.database, schema, world)
    site.execute(f"GRANT USAGE ON SCHEMA {schema} TO transfer")
    site.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO transfer")
    site.adopt(schema, f"{schema}.{people}")
    site.execute(f"REVOKE SELECT ON ALL TABLES IN SCHEMA {schema} FROM transfer")
    site.execute(f"REVOKE USAGE ON SCHEMA {schema} FROM transfer")


def ready(site: Site) -> None:
    site.answer_as_proposed()
    site.grant()
    site.run("check", "--database", "default", apps="ours")
    site.run("coverage", apps="ours")


def compare(site: Site, schema: str, people: list[Any], rules: Mapping[str, Merge]) -> dict[str, Any]:
    """Run a bulk, and compare every row of every table with the reference."""
    tables = list(filling.__dict__[schema]())
    before = filling.read(site.database, schema, tables)
    pairs = list(zip(people[:PAIRS], people[PAIRS : 2 * PAIRS], strict=True))
    given = json.dumps([[str(source), str(target)] for source, target in pairs])
    result: dict[str, Any] = json.loads(site.python("tests/adopting/bulk.py", given, apps="ours"))
    assert result["failed"] == []
    assert result["counts"] == result["predicted"]
    after = filling.read(site.database, schema, tables)
    expected = reference.merged(before, rules, dict(pairs))
    for table in tables:
        assert in_order(after[table]) == in_order(expected[table]), table
        assert table not in rules or in_order(after[table]) != in_order(before[table]), (
            f"{table} did not change"
        )
    return result


def not_as_before(site: Site, schema: str, before: filling.World) -> list[str]:
    """Undo the bulk as the role that has the rights of grants.sql only, and return the tables that differ."""
    site.python("tests/adopting/bulk.py", "undo", apps="ours")
    after = filling.read(site.database, schema, list(before))
    return [table for table in before if in_order(before[table]) != in_order(after[table])]


def in_order(rows: list[Any]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


GITLAB = {
    "namespaces": Merge(("owner_id",)),
    "projects": Merge(("creator_id",)),
    "issues": Merge(("author_id",)),
    "issue_assignees": Merge(("user_id",), key=("issue_id", "user_id")),
    "members": Merge(
        ("user_id",),
        key=("user_id", "source_id", "source_type"),
        where=lambda row: row["requested_at"] is None,
        children={"member_approvals": "member_id"},
    ),
    "users_star_projects": Merge(("user_id",), key=("user_id", "project_id")),
    "todos": Merge(("user_id",)),
    "notes": Merge(("author_id",)),
    "award_emoji": Merge(("user_id",)),
    "notification_settings": Merge(("user_id",), key=("user_id", "source_id", "source_type")),
    "uploads": Merge(kinds={"model_id": ("model_type", "User")}),
    "emails": Merge(("user_id",)),
    "user_preferences": Merge(("user_id",), key=("user_id",)),
    "saved_replies": Merge(("user_id",), key=("user_id", "name")),
    "user_follow_users": Merge(
        ("follower_id", "followee_id"), key=("follower_id", "followee_id"), no_loops=True
    ),
}


def test_partial_keys_owners_of_several_kinds_and_tables_without_ids(site: Site) -> None:
    world = filling.gitlab()
    prepared(site, "gitlab", "users", world)
    text = site.read("datatypes.py")
    assert 'Polymorphic("model_id", "model_type", "User", holds="external_id")' in text
    transfer_after_all(site, "Members")
    for statement in RIGHTS_ON_MEMBERS:
        site.execute(statement)
    ready(site)
    people = [row["id"] for row in world["users"]]
    before = filling.read(site.database, "gitlab", list(world))
    compare(site, "gitlab", people, GITLAB)
    assert not_as_before(site, "gitlab", before) == ["issue_assignees"], "it has no primary key"


# As the start-up check prints them (E107): grants.sql was written without these tables.
RIGHTS_ON_MEMBERS = (
    'GRANT SELECT, UPDATE, DELETE ON "gitlab"."member_approvals" TO "transfer"',
    'GRANT SELECT, INSERT, UPDATE, DELETE ON "gitlab"."members" TO "transfer"',
)


def transfer_after_all(site: Site, name: str) -> None:
    """Do what the comment says: move the data type to DATA_TYPES, and remove its column from NOT_TRANSFERRED."""
    file = site.folder / "ours" / "datatypes.py"
    lines = file.read_text().splitlines()
    start = lines.index(f'    #     "{name}",') - 1
    asked = next(n for n in range(start, len(lines)) if not lines[n].startswith("    # "))
    code = [line.replace("# ", "", 1) for line in lines[start:asked]]
    del lines[start : lines.index("    ),", asked) + 1]
    place = lines.index("DATA_TYPES: list[DataType] = [") + 1
    text = "\n".join([*lines[:place], *code, *lines[place:], ""])
    file.write_text(text.replace("from . import", "from transfers.rules import Child\n\nfrom . import"))


OUTLINE = {
    "collections": Merge(("createdById",)),
    "documents": Merge(("createdById",), lists=("collaboratorIds",)),
    "revisions": Merge(("userId",)),
    "stars": Merge(("userId",), key=("userId", "documentId")),
    "views": Merge(("userId",), key=("userId", "documentId"), later="updatedAt"),
    "subscriptions": Merge(("userId",), key=("userId", "documentId", "event")),
    "events": Merge(("userId", "actorId")),
    "groups": Merge(("createdById",)),
    "comments": Merge(("createdById",)),
    "reactions": Merge(("userId",)),
    "notifications": Merge(("userId", "actorId")),
}


def test_partitioned_tables_and_people_with_uuids(site: Site) -> None:
    world = filling.outline()
    prepared(site, "outline", "users", world)
    ready(site)
    people = [row["id"] for row in world["users"]]
    compare(site, "outline", people, OUTLINE)


MEDIAWIKI = {
    "actor": Merge(
        ("actor_user",), key=("actor_user",), children={"revision": "rev_actor"}, id_column="actor_id"
    ),
    "watchlist": Merge(("wl_user",), key=("wl_user", "wl_namespace", "wl_title")),
    "user_properties": Merge(("up_user",), key=("up_user", "up_property")),
    "user_newtalk": Merge(("user_id",)),
    "uploadstash": Merge(("us_user",)),
    "block_target": Merge(("bt_user",)),
    "protected_titles": Merge(("pt_user",)),
}


def test_no_foreign_keys_at_all(site: Site) -> None:
    world = filling.mediawiki()
    prepared(site, "mediawiki", "mwuser", world)
    ready(site)
    people = [row["user_id"] for row in world["mwuser"]]
    before = filling.read(site.database, "mediawiki", list(world))
    compare(site, "mediawiki", people, MEDIAWIKI)
    assert not_as_before(site, "mediawiki", before) == ["user_newtalk"], "it has no primary key"
