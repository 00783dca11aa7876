"""Rows for the schemas of public systems, the same in every run."""

import json
import random
import uuid
from collections.abc import Callable
from typing import Any

from psycopg import connect, sql

from tests.harness.databases import address

Row = dict[str, Any]
World = dict[str, list[Row]]
PEOPLE = 60


def moment(number: int) -> str:
    return f"2026-01-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00"


class Filler:
    """Makes rows with random references. `people`: the table and the column that identify a person.

    `once`: drop rows that repeat these columns.
    """

    def __init__(self, seed: int, people: str, column: str = "id") -> None:
        self.random = random.Random(seed)
        self.people = (people, column)
        self.world: World = {}

    def add(self, table: str, number: int, make: Callable[[int], Row], once: tuple[str, ...] = ()) -> None:
        rows: dict[Any, Row] = {}
        for n in range(1, number + 1):
            row = make(n)
            rows.setdefault(tuple(row[name] for name in once) if once else n, row)
        self.world[table] = list(rows.values())

    def one_of(self, table: str, column: str = "id") -> Any:
        return self.random.choice(self.world[table])[column]

    def person(self) -> Any:
        return self.one_of(*self.people)

    def maybe(self, value: Any) -> Any:
        return value if self.random.random() < 0.7 else None

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))


def mediawiki() -> World:
    fill = Filler(1, "mwuser", "user_id")
    mediawiki_people_and_pages(fill)
    mediawiki_rows_of_people(fill)
    return fill.world


def mediawiki_people_and_pages(fill: Filler) -> None:
    fill.add("mwuser", PEOPLE, lambda n: {"user_id": 70000 + 13 * n, "user_name": f"Editor {n}"})
    fill.add(
        "actor",
        PEOPLE + 20,
        lambda n: {
            "actor_id": n,
            "actor_user": 70000 + 13 * n if n <= PEOPLE else None,
            "actor_name": f"Actor {n}",
        },
    )
    fill.add("page", 80, lambda n: {"page_id": n, "page_namespace": n % 3, "page_title": f"Page {n}"})
    fill.add(
        "revision",
        600,
        lambda n: {
            "rev_id": n,
            "rev_page": fill.one_of("page", "page_id"),
            "rev_actor": fill.one_of("actor", "actor_id"),
        },
    )


def mediawiki_rows_of_people(fill: Filler) -> None:
    fill.add(
        "watchlist",
        600,
        lambda n: {"wl_id": n, "wl_user": fill.person(), "wl_namespace": 0, "wl_title": f"Page {n % 15}"},
        once=("wl_user", "wl_title"),
    )
    groups = ("sysop", "bureaucrat", "bot", "patroller")
    for table, user, group in (
        ("user_groups", "ug_user", "ug_group"),
        ("user_former_groups", "ufg_user", "ufg_group"),
    ):
        fill.add(
            table, 150, lambda n, u=user, g=group: {u: fill.person(), g: groups[n % 4]}, once=(user, group)
        )
    fill.add(
        "user_properties",
        400,
        lambda n: {"up_user": fill.person(), "up_property": f"option{n % 9}", "up_value": str(n)},
        once=("up_user", "up_property"),
    )
    fill.add("user_newtalk", 100, lambda n: {"user_id": fill.person(), "user_ip": f"10.0.0.{n}"})
    fill.add(
        "bot_passwords",
        80,
        lambda n: {"bp_user": fill.person(), "bp_app_id": f"app{n % 5}", "bp_password": f"secret {n}"},
        once=("bp_user", "bp_app_id"),
    )
    fill.add("uploadstash", 90, lambda n: {"us_id": n, "us_user": fill.person(), "us_key": f"key {n}"})
    fill.add("block_target", 60, lambda n: {"bt_id": n, "bt_user": fill.maybe(fill.person())})
    fill.add(
        "protected_titles", 70, lambda n: {"pt_namespace": 0, "pt_title": f"T{n}", "pt_user": fill.person()}
    )
    fill.add("site_stats", 1, lambda n: {"ss_row_id": 1, "ss_total_edits": 600, "ss_users": PEOPLE})


def gitlab() -> World:
    fill = Filler(2, "users")
    gitlab_people_and_projects(fill)
    gitlab_issues(fill)
    gitlab_members(fill)
    gitlab_work(fill)
    gitlab_settings(fill)
    return fill.world


def gitlab_people_and_projects(fill: Filler) -> None:
    fill.add(
        "users",
        PEOPLE,
        lambda n: {"id": 910000 + 7 * n, "email": f"u{n}@example.org", "username": f"User{n}"},
    )
    fill.add(
        "namespaces",
        40,
        lambda n: {"id": n, "name": f"ns{n}", "path": f"ns{n}", "owner_id": fill.maybe(fill.person())},
    )
    fill.add(
        "projects",
        50,
        lambda n: {
            "id": n,
            "name": f"p{n}",
            "creator_id": fill.maybe(fill.person()),
            "namespace_id": fill.one_of("namespaces"),
        },
    )


def gitlab_issues(fill: Filler) -> None:
    def issue(n: int) -> Row:
        people = {
            "author_id": fill.person(),
            "updated_by_id": fill.maybe(fill.person()),
            "closed_by_id": fill.maybe(fill.person()),
        }
        return {"id": n, "iid": n, "title": f"I{n}", "project_id": fill.one_of("projects"), **people}

    fill.add("issues", 300, issue)
    once = ("user_id", "issue_id")
    fill.add("issue_assignees", 500, lambda n: {"user_id": fill.person(), "issue_id": 1 + n % 40}, once=once)


def gitlab_members(fill: Filler) -> None:
    fill.add(
        "members",
        400,
        lambda n: {
            "id": n,
            "access_level": 30,
            "source_id": 1 + n % 12,
            "source_type": ("Project", "Namespace")[n % 2],
            "user_id": fill.person(),
            "created_by_id": fill.maybe(fill.person()),
            "requested_at": None,
        },
        once=("user_id", "source_id", "source_type"),
    )
    waiting = [
        {**row, "id": row["id"] + 1000, "requested_at": moment(row["id"])}
        for row in fill.world["members"][:60]
    ]
    fill.world["members"] += waiting
    fill.add(
        "member_approvals",
        200,
        lambda n: {"id": n, "member_id": fill.one_of("members"), "new_access_level": 40},
    )
    fill.add(
        "project_authorizations",
        400,
        lambda n: {"user_id": fill.person(), "project_id": 1 + n % 20, "access_level": 30},
        once=("user_id", "project_id"),
    )
    fill.add(
        "users_star_projects",
        400,
        lambda n: {"id": n, "user_id": fill.person(), "project_id": 1 + n % 20},
        once=("user_id", "project_id"),
    )


def gitlab_work(fill: Filler) -> None:
    fill.add(
        "todos",
        300,
        lambda n: {
            "id": n,
            "user_id": fill.person(),
            "author_id": fill.person(),
            "target_type": "Issue",
            "action": 1,
            "state": "pending",
        },
    )
    fill.add(
        "notes",
        300,
        lambda n: {"id": n, "noteable_type": "Issue", "noteable_id": n, "author_id": fill.person()},
    )
    fill.add(
        "award_emoji", 200, lambda n: {"id": n, "name": "star", "user_id": fill.person(), "awardable_id": n}
    )
    fill.add(
        "notification_settings",
        300,
        lambda n: {
            "id": n,
            "user_id": fill.person(),
            "source_type": "Project",
            "source_id": n % 9,
            "level": n % 4,
            "updated_at": moment(n),
        },
        once=("user_id", "source_id"),
    )
    fill.add(
        "uploads",
        150,
        lambda n: {
            "id": n,
            "size": n,
            "path": f"f{n}",
            "uploader": "AvatarUploader",
            "model_type": ("User", "Project")[n % 2],
            "model_id": fill.person() if n % 2 == 0 else 910007,
        },
    )


def gitlab_settings(fill: Filler) -> None:
    fill.add("emails", 80, lambda n: {"id": n, "user_id": fill.person(), "email": f"second{n}@example.org"})
    fill.add(
        "user_preferences",
        40,
        lambda n: {"user_id": fill.person(), "issue_notes_filter": n % 3},
        once=("user_id",),
    )
    fill.add(
        "saved_replies",
        200,
        lambda n: {"id": n, "user_id": fill.person(), "name": f"reply {n % 8}", "content": str(n)},
        once=("user_id", "name"),
    )
    fill.add(
        "user_follow_users",
        400,
        lambda n: {"follower_id": fill.person(), "followee_id": fill.person()},
        once=("follower_id", "followee_id"),
    )


def outline() -> World:
    fill = Filler(3, "users")
    outline_people_and_documents(fill)
    outline_rows_of_documents(fill)
    outline_groups(fill)
    outline_comments(fill)
    return fill.world


def outline_people_and_documents(fill: Filler) -> None:
    def some() -> list[str]:
        return fill.random.sample([row["id"] for row in fill.world["users"]], 4)

    fill.add("teams", 2, lambda n: {"id": fill.uuid(), "name": f"Team {n}"})
    fill.add(
        "users", PEOPLE, lambda n: {"id": fill.uuid(), "email": f"u{n}@example.org", "name": f"Person {n}"}
    )
    fill.add(
        "collections",
        30,
        lambda n: {
            "id": fill.uuid(),
            "name": f"C{n}",
            "teamId": fill.one_of("teams"),
            "createdById": fill.person(),
        },
    )
    fill.add(
        "documents",
        200,
        lambda n: {
            "id": fill.uuid(),
            "title": f"D{n}",
            "collectionId": fill.one_of("collections"),
            "createdById": fill.person(),
            "lastModifiedById": fill.person(),
            "collaboratorIds": fill.maybe(some()),
            "updatedAt": moment(n),
        },
    )
    fill.add(
        "revisions",
        200,
        lambda n: {
            "id": fill.uuid(),
            "title": f"R{n}",
            "userId": fill.person(),
            "documentId": fill.one_of("documents"),
        },
    )


def outline_rows_of_documents(fill: Filler) -> None:
    def of_document(n: int) -> Row:
        return {
            "id": fill.uuid(),
            "userId": fill.person(),
            "documentId": fill.world["documents"][n % 12]["id"],
        }

    once = ("userId", "documentId")
    fill.add("stars", 300, of_document, once=once)
    fill.add("views", 400, lambda n: {**of_document(n), "count": n, "updatedAt": moment(n)}, once=once)
    fill.add("subscriptions", 300, lambda n: {**of_document(n), "event": "documents.update"}, once=once)
    fill.add(
        "user_permissions",
        250,
        lambda n: {**of_document(n), "permission": "read", "createdById": fill.person(), "sourceId": None},
        once=once,
    )
    roots = [row["id"] for row in fill.world["user_permissions"][:40]]
    fill.world["user_permissions"] += [
        {**of_document(n), "permission": "read", "createdById": fill.person(), "sourceId": root}
        for n, root in enumerate(roots)
    ]
    fill.add(
        "events",
        300,
        lambda n: {
            "id": fill.uuid(),
            "name": "e",
            "userId": fill.maybe(fill.person()),
            "actorId": fill.person(),
            "createdAt": f"2026-0{1 + n % 2}-1{n % 9}T00:00:00",
        },
    )


def outline_groups(fill: Filler) -> None:
    fill.add(
        "groups",
        10,
        lambda n: {
            "id": fill.uuid(),
            "name": f"G{n}",
            "teamId": fill.one_of("teams"),
            "createdById": fill.person(),
        },
    )
    fill.add(
        "group_users",
        200,
        lambda n: {"userId": fill.person(), "groupId": fill.one_of("groups"), "createdById": fill.person()},
        once=("userId", "groupId"),
    )


def outline_comments(fill: Filler) -> None:
    fill.add(
        "comments",
        100,
        lambda n: {
            "id": fill.uuid(),
            "data": {"n": n},
            "documentId": fill.one_of("documents"),
            "createdById": fill.person(),
        },
    )
    fill.add(
        "reactions",
        200,
        lambda n: {
            "id": fill.uuid(),
            "emoji": "+1",
            "userId": fill.person(),
            "commentId": fill.one_of("comments"),
        },
    )
    fill.add(
        "notifications",
        200,
        lambda n: {"id": fill.uuid(), "userId": fill.person(), "actorId": fill.person(), "event": "x"},
    )


def insert(database: str, schema: str, world: World) -> None:
    """Insert the rows; columns that they leave out get their defaults."""
    with connect(address(database), autocommit=True) as connection:
        for table, rows in world.items():
            columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
            name = sql.Identifier(schema, table)
            query = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_recordset(NULL::{0}, %s)")
            connection.execute(query.format(name, columns), [json.dumps(rows)])
        connection.execute("ANALYZE")


def read(database: str, schema: str, tables: list[str]) -> World:
    with connect(address(database)) as connection:
        return {
            table: [
                row
                for (row,) in connection.execute(
                    sql.SQL("SELECT to_jsonb(t) FROM {} AS t").format(sql.Identifier(schema, table))
                )
            ]
            for table in tables
        }
