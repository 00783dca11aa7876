"""What the role of the application must see and may do: the checks ask for exactly what a transfer and its undo use."""

from contextlib import nullcontext

import pytest

from accounts.models import User
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, put, run
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from transfers.checks.catalog.reading import read_catalog
from transfers.checks.database import findings
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.stage import compile_plans
from transfers.rules import DataType

# --- Row-level security ----------------------------------------------------------------------------------------------

HIDDEN = {
    "no policy": "",
    "a policy without a condition": "CREATE POLICY all_rows ON smallapp_sched",
    "no policy for insertions, which an undo makes": "".join(
        f"CREATE POLICY p_{command} ON smallapp_sched FOR {command} USING (true);"
        for command in ("SELECT", "UPDATE", "DELETE")
    ),
}


HIDES = "CREATE POLICY own_rows ON smallapp_sched USING (v > 5)"


def hidden(entry: DataType) -> list[str]:
    """Return the statements that the check of the database prints, and assert that the engine agrees with it."""
    catalog = read_catalog([entry.model], [User])
    hints = [str(one.hint) for one in findings([entry], {}, [], catalog) if one.id == "transfers.E109"]
    refuses = pytest.raises(CannotCompile, match="row-level security may hide rows")
    with running.only(entry), refuses if hints else nullcontext():
        compile_plans()
    return [line for hint in hints for line in hint.splitlines() if line.startswith("    ")]


@pytest.mark.parametrize("policies", HIDDEN.values(), ids=HIDDEN)
def test_rows_that_are_hidden_stop_the_start_and_the_run(db: None, policies: str) -> None:
    sched = running.type_of("smallapp_sched")
    change(f"ALTER TABLE smallapp_sched ENABLE ROW LEVEL SECURITY; {policies}")
    assert hidden(sched)


def test_the_policy_that_the_check_prints_satisfies_check_and_engine(people: People) -> None:
    sched = put(people, "smallapp_sched", ("S", 1), ("T", 2), columns="owner slot")
    before = rows_as_text([sched])
    change(f"ALTER TABLE smallapp_sched ENABLE ROW LEVEL SECURITY; {HIDES}")
    [statement] = hidden(sched)
    change(statement)
    assert hidden(sched) == []
    restore(run(people, sched).transfer_id)
    assert rows_as_text([sched]) == before
