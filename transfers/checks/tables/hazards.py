"""Check for what changes, hides or prevents the changes of a transfer: policies, rules, triggers and publications."""

from collections.abc import Iterable, Iterator, Mapping

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from transfers.checks.catalog.tables import Catalog, Policy, Relation, Trigger, identifier
from transfers.checks.introspection import models_of
from transfers.checks.tables.keys import add_primary_key, can_lose_rows, candidate_key, written_columns
from transfers.checks.tables.relations import tables_with_parts
from transfers.engine.catalog.policies import see_all
from transfers.rules import DataType


def hazards(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    entries = list(entries)
    types = {path_of(catalog.table(entry.model)): entry.name for entry in entries}
    for entry in entries:
        yield from hidden_rows(entry, catalog)
        tables = tables_with_parts(entry, catalog)
        yield from (
            rewritten(entry, table, *rule) for table in tables for rule in catalog.rules.get(table.oid, [])
        )
        yield from interfering_triggers(entry, tables, catalog)
        yield from writing_triggers(entry, tables, catalog, types)
        yield from (refused_by_publication(entry, table) for table in tables if table.publications)
        yield from without_primary_key(entry, catalog)


# --- Row-level security ----------------------------------------------------------------------------------------------


def hidden_rows(entry: DataType, catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each table of which the application's role may not see and change all rows.

    The policies of partitions do not apply to statements that name the partitioned table.
    """
    for model in dict.fromkeys(models_of(entry)):
        table = catalog.table(model)
        found = catalog.policies.get(table.oid, [])
        if table.hides_rows and not settings.AS_TABLE_OWNER:
            yield Error(
                f"{entry.name}: row-level security hides rows of {table} from the application's role"
                f" ({', '.join(policy.name for policy in found) or 'no policy allows any'}), so rows of a source"
                " would stay behind unnoticed.",
                hint=show_everything(table, found),
                id="transfers.E109",
            )


def show_everything(table: Relation, found: list[Policy]) -> str:
    lines = [
        "As the owner of the table, let the application see all of its rows:",
        f"    {see_all(table.quoted)}",
    ]
    for policy in found:
        if policy.applies and not policy.is_permissive and policy.condition:
            lines.append(
                f"The policy {policy.name} restricts it nevertheless. Name the roles it is meant for:"
            )
            lines.append(f"    ALTER POLICY {identifier(policy.name)} ON {table.quoted} TO …;")
    return "\n".join(lines)


# --- Rules, triggers, publications -----------------------------------------------------------------------------------


def rewritten(entry: DataType, table: Relation, name: str, event: str) -> CheckMessage:
    return Error(
        f"{entry.name}: the rule {name} of {table} rewrites each {event}, so a transfer would do something else than it"
        " counts.",
        hint=f"Replace the rule by a trigger, or drop it:\n    DROP RULE {identifier(name)} ON {table.quoted};",
        id="transfers.E110",
    )


def interfering_triggers(entry: DataType, tables: list[Relation], catalog: Catalog) -> Iterator[CheckMessage]:
    written = {column for _, column in written_columns(entry)}
    deletes = can_lose_rows(entry, catalog)
    for table in tables:
        for trigger in triggers_of(table, tables, catalog):
            if caused := interferes(trigger, written, deletes):
                yield Warning(
                    f"{entry.name}: the trigger {trigger.name} of {table} runs {trigger.function}() before each"
                    f" {caused} and may change or prevent it. If it prevents it, or changes whose row it is, the pair"
                    " fails, and nothing is changed.",
                    hint=f"Read what the function does:\n    {trigger.definition};",
                    id="transfers.W104",
                )


def triggers_of(table: Relation, tables: list[Relation], catalog: Catalog) -> list[Trigger]:
    """Return the triggers of the table, without those that it has from a table which is asked for, too."""
    asked_for = {one.oid for one in tables}
    return [trigger for trigger in catalog.triggers.get(table.oid, []) if trigger.whole not in asked_for]


def interferes(trigger: Trigger, written: set[str], deletes: bool) -> str:
    """Return the events before which the trigger runs and that a transfer causes, or ""."""
    if trigger.kind & Trigger.BEFORE_ROW != Trigger.BEFORE_ROW:
        return ""
    return " and ".join(event for event in events(trigger, written, deletes) if event != "INSERT")


def events(trigger: Trigger, written: set[str], deletes: bool, *, rewrites: bool = False) -> list[str]:
    """Return the events of a transfer with which the trigger runs. Its undo inserts the deleted rows again."""
    updates = rewrites or not trigger.columns or not written.isdisjoint(trigger.columns)
    caused = (
        ("UPDATE", Trigger.UPDATE, updates),
        ("DELETE", Trigger.DELETE, deletes),
        ("INSERT", Trigger.INSERT, deletes and settings.UNDO_DAYS > 0),
    )
    return [name for name, bit, happens in caused if happens and trigger.kind & bit]


def rewrites(table: Relation, triggers: Iterable[Trigger], deletes: bool) -> bool:
    """Return whether an undo may write any column, because a trigger changes the rows that it inserts."""
    inserts = deletes or table.kind == "p"
    before_insert = Trigger.BEFORE_ROW | Trigger.INSERT
    changed = any(trigger.kind & before_insert == before_insert for trigger in triggers)
    return settings.UNDO_DAYS > 0 and inserts and changed


def writing_triggers(
    entry: DataType, tables: list[Relation], catalog: Catalog, types: Mapping[str, str]
) -> Iterator[CheckMessage]:
    """Yield a warning for each trigger that writes a log. `types`: the names of the data types by their tables."""
    written = {column for _, column in written_columns(entry)}
    deletes = can_lose_rows(entry, catalog)
    for table in tables:
        triggers = triggers_of(table, tables, catalog)
        for trigger in triggers:
            caused = events(trigger, written, deletes, rewrites=rewrites(table, triggers, deletes))
            if trigger.writes and caused:
                yield writes_rows(entry, table, trigger, " and ".join(caused), types)


def writes_rows(
    entry: DataType, table: Relation, trigger: Trigger, caused: str, types: Mapping[str, str]
) -> CheckMessage:
    listed = ", ".join(trigger.writes)
    both = " and ".join(f"{types[path]} ({path})" for path in trigger.writes if path in types)
    refused = (
        f" {both} is transferred too: if the trigger adds rows of the pair's users there, which were not counted, each"
        " pair fails, or its undo does. List its columns in NOT_TRANSFERRED instead."
    )
    adds = (
        "an undo adds rows there."
        if caused == "INSERT"
        else "a transfer adds rows there, and its undo adds more: it does not take them away."
    )
    return Warning(
        f"{entry.name}: the trigger {trigger.name} of {table} writes rows to {listed} with each {caused}, so {adds}",
        hint=f"Read what the function does:\n    {trigger.definition};{refused if both else ''}",
        id="transfers.W106",
    )


def path_of(table: Relation) -> str:
    return f"{table.schema}.{table.name}"


def refused_by_publication(entry: DataType, table: Relation) -> CheckMessage:
    return Warning(
        f"{entry.name}: {table} has no primary key and no replica identity, but the publication"
        f" {', '.join(table.publications)} sends its updates and deletes, so the database refuses them and every pair"
        " fails.",
        hint=f"Let the publication send whole rows:\n    ALTER TABLE {table.quoted} REPLICA IDENTITY FULL;",
        id="transfers.W102",
    )


def without_primary_key(entry: DataType, catalog: Catalog) -> Iterator[CheckMessage]:
    for table in (catalog.table(model) for model in dict.fromkeys(models_of(entry))):
        if table.kind in "rp" and not any(index.is_primary for index in catalog.indexes_of(table.oid)):
            key = candidate_key(catalog.indexes_of(table.oid), catalog.required.get(table.oid, set()))
            statement = add_primary_key(
                table.quoted, [*map(identifier, key)], catalog.columns.get(table.oid, {})
            )
            what = "Make its unique key the primary key" if key else "Add one, for example"
            yield Warning(
                f"{entry.name}: {table} has no primary key, so rows of it that a transfer moved cannot be given back by"
                " an undo.",
                hint=f"{what}:\n    {statement}",
                id="transfers.W103",
            )
