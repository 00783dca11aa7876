"""indexes.sql and grants.sql: statements for the owner of the tables."""

from collections.abc import Iterator

from django.conf import settings

from adopting.catalog.tables import Table
from adopting.people.standing import Stand
from adopting.proposing.children import can_lose_rows, flat
from adopting.proposing.plan import ChildPlan, Plan, Proposal
from transfers.checks.catalog.tables import Index, identifier
from transfers.checks.tables.keys import clashing_keys, literal, plain
from transfers.checks.tables.relations import RIGHTS, rights_to_change
from transfers.rules import Overwrite

INDEXES = """\
-- Indexes by which a transfer finds the rows of a person. Without them it reads whole tables.
-- Run these as the owner of the tables, each by itself: CONCURRENTLY blocks nobody, and works in no transaction.
"""
GRANTS = """\
-- Exactly the rights that the application needs. Run these as the owner of the tables.
"""


def sql_name(*names: str) -> str:
    """Return the quoted name, with escapes for characters that are invisible, break the line or reorder it."""
    return ".".join(identifier(name) if name.isprintable() else with_escapes(name) for name in names)


def with_escapes(name: str) -> str:
    chars = (
        char if char.isprintable() else f"\\{ord(char):04x}" if ord(char) < 0x10000 else f"\\+{ord(char):06x}"
        for char in name.replace("\\", "\\\\").replace('"', '""')
    )
    return f'U&"{"".join(chars)}"'


# --- Indexes ---------------------------------------------------------------------------------------------------------


def indexes(plan: Plan) -> str:
    lines = [
        statement
        for proposal in plan.proposals.values()
        for statement in (
            *(of_owner(proposal.table, owner) for owner in proposal.owners),
            *(of_child(child) for child in flat(proposal.children)),
        )
    ]
    found = list(dict.fromkeys(line for line in lines if line))
    return INDEXES + "\n".join(["", *(found or ["-- All are there."]), ""])


def of_child(child: ChildPlan) -> str:
    return of_owner(child.table, Stand(child.table.oid, child.column))


def of_owner(table: Table, owner: Stand) -> str:
    column = sql_name(owner.column)
    # PostgreSQL cannot create an index of a partitioned table concurrently.
    create = "CREATE INDEX ON" if table.relation.kind == "p" else "CREATE INDEX CONCURRENTLY ON"
    name = sql_name(table.relation.schema, table.relation.name)
    if any(finds(index, owner) for index in table.indexes):
        return ""
    if owner.form == "array":
        return f"{create} {name} USING gin ({column});"
    if owner.form == "json":
        steps = "".join(f" -> {literal(step)}" for step in owner.path)
        expression = f"({column}{steps})" if steps else column
        return f"{create} {name} USING gin ({expression} jsonb_path_ops);"
    if owner.form == "kind":
        return f"{create} {name} ({column}, {sql_name(owner.kind_column)});"
    return f"{create} {name} ({column});"


def finds(index: Index, owner: Stand) -> bool:
    if index.predicate not in (
        "",
        f"({identifier(owner.column)} IS NOT NULL)",
        f"({owner.column} IS NOT NULL)",
    ):
        return False
    if owner.form == "array":
        return index.method == "gin" and owner.column in index.names
    if owner.form == "json":
        steps = "".join(f" -> {literal(step)}::text" for step in owner.path)
        return index.method == "gin" and any(
            plain(part) == f"{owner.column}{steps}" for part in index.expressions
        )
    leads = index.names[0] == owner.column or (
        bool(owner.kind_column) and index.names[:2] == (owner.kind_column, owner.column)
    )
    return index.method in ("btree", "hash") and leads


# --- Rights ----------------------------------------------------------------------------------------------------------


def grants(plan: Plan) -> str:
    role = sql_name(settings.APPLICATION_ROLE)
    people = plan.database.people.relation
    rights: dict[str, list[str]] = {}
    if plan.database.people.holds != "id":
        rights[sql_name(people.schema, people.name)] = ["SELECT"]
    schemas = {people.schema: None} if rights else {}
    for proposal in plan.proposals.values():
        for table, needed in needed_rights(proposal):
            schemas[table.relation.schema] = None
            name = sql_name(table.relation.schema, table.relation.name)
            rights[name] = [right for right in RIGHTS if right in {*rights.get(name, []), *needed}]
    lines = [
        f"GRANT USAGE ON SCHEMA {sql_name(schema)} TO {role};" for schema in schemas if schema != "public"
    ]
    lines += [f"GRANT {', '.join(needed)} ON {name} TO {role};" for name, needed in rights.items()]
    return GRANTS + "\n".join(["", *lines, ""])


def needed_rights(proposal: Proposal) -> Iterator[tuple[Table, list[str]]]:
    """Yield the rights on the table and its children."""
    loses = can_lose_rows(proposal)
    yield proposal.table, rights_to_change(deletes=loses, loses=loses)
    orphaned = isinstance(proposal.rule, Overwrite) or proposal.self_edges == "drop"
    for child, loses_child in children_that_lose(proposal.children, orphaned=orphaned):
        yield child.table, rights_to_change(deletes=loses and not child.detached, loses=loses and loses_child)


def children_that_lose(
    children: tuple[ChildPlan, ...], *, orphaned: bool
) -> Iterator[tuple[ChildPlan, bool]]:
    """Yield the children of all levels, and whether rows of them may be deleted, as the start-up check does."""
    for child in children:
        goes = (orphaned or child.goes_with_parent) and not child.detached
        conflicts = not child.detached and bool(clashing_keys(child.table.indexes, {child.column}))
        yield child, goes or conflicts
        yield from children_that_lose(child.children, orphaned=goes)
