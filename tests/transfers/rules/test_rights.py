"""What the role of the application must see and may do: the checks ask for exactly what a transfer and its undo use."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
from django.db import DatabaseError, transaction

from accounts.models import User
from tests.apps.smallapp import models as small
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, put, run
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from transfer_site.run.embedded import APPLICATION
from transfers.checks.catalog.reading import read_catalog
from transfers.checks.database import findings
from transfers.checks.tables.relations import needed_rights
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


# --- Rights ----------------------------------------------------------------------------------------------------------


def grant(rights: dict[str, list[str]]) -> None:
    lines = [f"REVOKE ALL ON {table} FROM {APPLICATION};" for table in rights]
    lines += [
        f"GRANT {', '.join(names)} ON {table} TO {APPLICATION};" for table, names in rights.items() if names
    ]
    change("".join(lines))


@contextmanager
def granted(needed: dict[str, list[str]], without: tuple[str, str] = ("", "")) -> Iterator[None]:
    """Grant these rights, without one of them, until the end of the block, and roll back what it does."""
    table, missing = without
    with transaction.atomic():
        grant(needed | ({table: [one for one in needed[table] if one != missing]} if table else {}))
        yield
        transaction.set_rollback(True)


def asked_for(entry: DataType) -> dict[str, list[str]]:
    catalog = read_catalog(running.models_of([entry]), [User])
    return {model._meta.db_table: names for model, names in needed_rights(entry, catalog).items()}


def test_the_rights_that_the_check_asks_for_suffice_and_each_is_used(people: People) -> None:
    """Of the target's ticket 2, which is deleted: an entry goes with it; a note and an errand stay."""
    ticket = put(people, "smallapp_ticket", ("S", 1), ("T", 1), columns="owner v")
    errand = running.whole_row(small.Errand, id=1, owner=people["X"].pk, ticket=2)
    running.insert("smallapp_errand", [errand])
    running.insert("smallapp_ticketentry", [running.whole_row(small.TicketEntry, id=1, ticket=2)])
    running.insert("smallapp_ticketnote", [running.whole_row(small.TicketNote, id=1, entry=1)])
    before, needed = rows_as_text([ticket]), asked_for(ticket)
    rights = [(name, right) for name, names in needed.items() for right in names]
    for right in (right for right in rights if right[1] in ("UPDATE", "DELETE")):
        with pytest.raises(DatabaseError) as error, granted(needed, right):
            run(people, ticket)
        assert "permission denied" in str(error.value.__cause__), right
    with granted(needed):
        ran = run(people, ticket)
        for right in (right for right in rights if right[1] == "INSERT"):
            with pytest.raises(DatabaseError, match="permission denied"), granted(needed, right):
                restore(ran.transfer_id)
        restore(ran.transfer_id)
        assert rows_as_text([ticket]) == before


def test_rights_on_children_of_rows_that_may_be_dropped(db: None) -> None:
    """Pages go to the page's file that is kept. Notes go with their case, and so do their marks."""
    everything = ["SELECT", "INSERT", "UPDATE", "DELETE"]
    assert asked_for(running.type_of("smallapp_case")) == {
        "smallapp_case": everything,
        "smallapp_casefile": everything,
        "smallapp_casepage": ["SELECT", "UPDATE", "DELETE"],
        "smallapp_casenote": everything,
        "smallapp_casenotemark": everything,
    }
