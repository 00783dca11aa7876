"""What the database was when the app was written, to tell later what has changed: catalog.json in the app."""

import json
from typing import Any

from adopting.catalog.tables import Table
from adopting.proposing.plan import Plan
from transfers.checks.tables.references import ACTIONS

SNAPSHOT = "catalog.json"
Snapshot = dict[str, Any]


def snapshot_of(plan: Plan) -> Snapshot:
    """Return the tables by "schema.table": what bears on a transfer, and nothing of their rows."""
    people: dict[str, list[str]] = {}
    for stand in plan.stands:
        people.setdefault(plan.database.tables[stand.oid].path, []).append(stand.column)
    return {
        table.path: {**of_table(plan, table), "people": sorted(set(people.get(table.path, [])))}
        for table in plan.database.tables.values()
    }


def as_json(snapshot: Snapshot) -> str:
    """Return the text of the file. Names are escaped, as some characters of them are invisible or reorder others."""
    return json.dumps(snapshot, indent=1, sort_keys=True) + "\n"


def of_table(plan: Plan, table: Table) -> dict[str, Any]:
    catalog = plan.database.catalog
    return {
        "columns": {
            column.name: f"{column.sql_type}{' NOT NULL' if column.not_null else ''}"
            for column in table.columns.values()
        },
        "keys": {
            key.name: f"({', '.join(key.expressions)}){f' WHERE {key.predicate}' if key.predicate else ''}"
            for key in table.indexes
            if key.is_unique or key.constraint
        },
        "foreign keys": {
            found.name: f"({', '.join(found.columns)}) to {catalog.relations[found.referenced].name}"
            f" ON DELETE {ACTIONS[found.on_delete]} ON UPDATE {ACTIONS[found.on_update]}"
            for found in table.references
            if found.name and found.referenced in catalog.relations
        },
        "triggers": sorted(trigger[0] for trigger in plan.database.triggers.get(table.oid, [])),
        "rules": sorted(name for name, _ in catalog.rules.get(table.oid, [])),
        "policies": sorted(policy.name for policy in catalog.policies.get(table.oid, [])),
    }
