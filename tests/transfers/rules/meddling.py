"""Triggers of other programs that undo or change what a statement of the engine did, and the refusal of the run."""

import pytest

from tests.transfers.rules import running
from tests.transfers.rules.featured import change
from tests.transfers.rules.people import People
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.rules import DataType

TRIGGER = """
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql {rights} AS $$ BEGIN {body} END $$;
REVOKE EXECUTE ON FUNCTION meddle() FROM PUBLIC;
CREATE {kind} meddler {when} ON {table} {deferrable} FOR EACH {each} {condition} EXECUTE FUNCTION meddle();
"""
# For a trigger that updates its own table, and would otherwise fire itself again.
AT_FIRST = "WHEN (pg_trigger_depth() = 0)"


def meddle(
    table: str, when: str, body: str, condition: str = "", *, each: str = "ROW", rights: str = ""
) -> None:
    names = {"table": table, "when": when, "body": body, "condition": condition, "each": each}
    running.change_tables(TRIGGER.format(kind="TRIGGER", deferrable="", rights=rights, **names))


def meddle_later(table: str, body: str, *, initially: str = "DEFERRED") -> None:
    """Create a constraint trigger on updates, which can fire as late as the commit."""
    deferrable = f"DEFERRABLE INITIALLY {initially}"
    names = {"table": table, "when": "AFTER UPDATE", "body": body, "condition": AT_FIRST, "each": "ROW"}
    change(TRIGGER.format(kind="CONSTRAINT TRIGGER", deferrable=deferrable, rights="", **names))


def refused(people: People, *types: DataType) -> str:
    """Run the pairs, assert that nothing changed, and return the message with which the run was refused."""
    before = running.world_of_records(types)
    with running.only(*types), pytest.raises(TotalsMismatch) as mismatch:
        running.run_pairs(people.by, people.pairs, types)
    assert running.world_of_records(types) == before
    assert mismatch.value.data_type in ("", *(entry.key for entry in types))
    return str(mismatch.value)
