"""README.md: the steps left, and what was found that bears on a transfer."""

from collections.abc import Iterator, Sequence

from adopting.catalog.people import dotted
from adopting.catalog.tables import Table
from adopting.people.names import tokens
from adopting.proposing import rules
from adopting.proposing.children import flat
from adopting.proposing.plan import Plan
from adopting.writing.statements import sql_name
from transfers.checks.catalog.tables import Trigger
from transfers.checks.tables.keys import add_primary_key, candidate_key
from wording.display_text import visible
from wording.phrases import counted

STEPS = """\
# {title}

Written by this command. Run it again after an upgrade of the other program: it prints what has changed and the lines to
add, and changes nothing.

    {command}

## Steps

1. Read `datatypes.py`. Each `undecided(…)` is a question that only a person can answer. Correct the value behind it
   where it is wrong, and write `decided` instead of `undecided`. The name and the sentence of each data type are what
   people read on the screen: write what they call it. When all questions that are left are right:
   `sed -i 's/undecided($/decided(/; /^from adopting/s/undecided/decided/' {app}/datatypes.py`
2. Let the owner of the tables run `grants.sql`, and `indexes.sql` statement by statement.
3. In the environment or in `.env`, with the folder that holds the app on the Python path:

{settings}
4. `manage.py check --database default`: each message says what to do. Then `manage.py migrate`.
5. `manage.py coverage` lists every column in which a person stands.
6. `manage.py sync_people` copies the people. `manage.py rehearse people.csv --by admin` does a whole transfer and takes
   it back.

{counts}
"""
EVENTS = ((4, "INSERT"), (8, "DELETE"), (16, "UPDATE"), (32, "TRUNCATE"))


def readme(plan: Plan, app: str, command: str) -> str:
    title = " ".join(tokens(app)).capitalize()
    counts = (
        f"{counted(len(plan.database.tables), 'table')}: {counted(len(plan.proposals), 'data type')}, and"
        f" {counted(len(plan.kept), 'column')} with people that stay as they are."
    )
    values = {"EXTRA_APPS": app, **people_key(plan)}
    settings = "".join(f"       {name}={value}\n" for name, value in values.items())
    parts = [STEPS.format(title=title, command=command, app=app, settings=settings, counts=counts)]
    lines = [f"- {visible(line)}" for line in findings(plan)]
    if lines:
        parts += ["## Found in the database", "", *lines, ""]
    return "\n".join(parts)


def people_key(plan: Plan) -> dict[str, str]:
    """Return the setting by which every foreign key to these people has to be declared."""
    people = plan.database.people
    if people.holds == "id" or people.relation.kind not in "rp":
        return {}
    return {"PEOPLE_KEY": dotted(people.relation.schema, people.relation.name, people.column)}


def findings(plan: Plan) -> Iterator[str]:
    people = plan.database.people
    keys = plan.database.catalog.indexes_of(people.relation.oid)
    yield from plan.notes
    if people.view:
        yield f"The people of the view {people.view} are rows of {people.path}."
    if people.relation.kind not in "rp":
        yield (
            f"The people are in the view {people.path}. A view has no foreign keys, so people were found"
            " by names and values only. `--people` with the table behind the view finds more."
        )
    elif not any(key.is_unique and people.column in key.names for key in keys):
        yield f"No unique key holds {people.path}: two people may have the same ID."
    for table in plan.database.tables.values():
        yield from of_table(plan, table)
    for name, for_all in plan.database.publications:
        yield (
            f"Publication {name}{' (all tables)' if for_all else ''}: subscribers receive the changes of a transfer. A"
            " table needs a primary key or a replica identity, or the database refuses them."
        )
    for relation in plan.database.others:
        if relation.kind in "vmf":
            yield f"{relation.schema}.{relation.name}: {KINDS[relation.kind]}"


KINDS = {
    "v": "a view. It shows the result of a transfer; only its tables can be declared.",
    "m": "a materialized view. It shows the result of a transfer after REFRESH.",
    "f": "a foreign table. Its rows are on another server, where a transfer cannot be taken back; it stays as it is.",
}


def of_table(plan: Plan, table: Table) -> Iterator[str]:
    catalog, path = plan.database.catalog, table.path
    yield from without_key(plan, table)
    parts = catalog.with_parts(table.oid) - {table.oid}
    if parts and table.relation.kind == "p":
        yield f"{path} has {len(parts)} partitions. They belong to it; a new one needs no declaration."
    elif parts:
        yield f"{path} is inherited by other tables, whose rows may have the same keys. It cannot be transferred."
    for oid in sorted(parts | {table.oid}):
        writes = {trigger.name: trigger.writes for trigger in catalog.triggers.get(oid, [])}
        for name, kind, function in plan.database.triggers.get(oid, []):
            yield f"{path}: trigger {name} {what_it_does(kind, function)}{log_of(writes.get(name, ()))}"
    for name, event in catalog.rules.get(table.oid, []):
        yield f"{path}: rule {name} rewrites {event}. Replace it by a trigger, or the table cannot be transferred."
    for policy in catalog.policies.get(table.oid, []):
        yield (
            f"{path}: policy {policy.name}. Row-level security may hide rows from the application, which would stay"
            " behind unnoticed."
        )


def without_key(plan: Plan, table: Table) -> Iterator[str]:
    """Yield what a missing key means, with the statement that adds it."""
    name = sql_name(table.relation.schema, table.relation.name)
    proposal = plan.proposals.get(table.oid)
    same = rules.same_if_equal(proposal) if proposal else ()
    required = {column.name for column in table.columns.values() if column.not_null}
    if not table.primary_key and table.oid in changed(plan):
        key = candidate_key(table.indexes, required)
        statement = add_primary_key(name, [*map(sql_name, key)], table.columns)
        yield (
            f"{table.path} has no primary key: rows that a transfer moved cannot be given back by an undo."
            f" `{statement}`"
        )
    if same:
        listed = ", ".join(map(sql_name, same))
        yield (
            f"{table.path} has no unique key on {', '.join(same)}. If the same twice would be a mistake, let its owner"
            f" add one: `CREATE UNIQUE INDEX ON {name} ({listed});` It fails where there are such rows already. Without"
            " it, both users' rows stay, and the Target User may have the same twice."
        )


def changed(plan: Plan) -> set[int]:
    """Return the tables that a transfer may change, also if questions are answered otherwise than proposed."""
    proposals = (*plan.proposals.values(), *plan.aside.values())
    below = {child.table.oid for proposal in proposals for child in flat(proposal.children)}
    return {*plan.proposals, *below, *(kept.stand.oid for kept in plan.kept if kept.columns)}


def log_of(paths: Sequence[str]) -> str:
    """Return what it means that a trigger inserts rows into these tables."""
    listed = ", ".join(paths)
    return (
        f" It writes rows to {listed} with a transfer and with its undo, which takes none away."
        if paths
        else ""
    )


def what_it_does(kind: int, function: str) -> str:
    events = " and ".join(name for bit, name in EVENTS if kind & bit)
    if kind & Trigger.BEFORE_ROW == Trigger.BEFORE_ROW and kind & (Trigger.UPDATE | Trigger.DELETE):
        return (
            f"runs {function}() before each {events} and may change or prevent it. If it prevents it, or changes whose"
            " row it is, the pair fails, and nothing is changed. Read the function."
        )
    return f"runs {function}() with each {events}, also with those of a transfer."
