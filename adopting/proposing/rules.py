"""The rule to propose for each table, and the question it answers."""

from adopting.people import names
from adopting.proposing.moments import is_time, time_of_change
from adopting.proposing.plan import Proposal
from transfers.checks.catalog.tables import Index
from transfers.checks.tables.keys import clashing_keys
from transfers.rules import Combine, KeepTarget, Latest, Overwrite, Rename

TEXTS = ("text", "character varying")


def clashes(proposal: Proposal) -> list[Index]:
    return clashing_keys(proposal.table.indexes, proposal.columns)


def propose_rule(proposal: Proposal) -> None:
    """Set the rule, and what happens to rows that would join the target to itself."""
    keys = clashes(proposal)
    first, *others = proposal.owners
    if is_link(proposal, keys):
        proposal.self_edges = "drop"
    plain = first.form == "value" and not others and not any(key.constraint for key in keys)
    if names.is_planned(proposal.table.relation.name) and plain:
        proposal.rule, proposal.why = Overwrite(), "The name suggests a plan, of which a person has one."
    else:
        combine(proposal)


def combine(proposal: Proposal) -> None:
    keys = clashes(proposal)
    proposal.why = "No unique key holds a person, so both users' rows stay."
    proposal.rule = Combine()
    if keys:
        proposal.rule = Combine(on_clash=KeepTarget())
        proposal.why = "Of two rows with the same key, the Target User's is kept."
    elif same := same_if_equal(proposal):
        proposal.rule = Combine(on_clash=KeepTarget())
        proposal.why = (
            f"Of two rows with the same {', '.join(same)}, the Target User's is kept, but only with a unique key on"
            " these columns (README.md has the statement). Without it both stay, and the Target User has such a row"
            " twice."
        )
    if keys and names.is_settings(proposal.table.relation.name):
        proposal.why = "The name suggests settings of a person, of which the Target User's are kept."
    elif keys and not any(key.constraint for key in keys) and (moment := time_of_change(proposal.table)):
        proposal.rule = Combine(on_clash=Latest(moment.column))
        proposal.why = (
            f"Of two rows with the same key, the one with the later {moment.column} is kept. {moment.assumed}"
        )


def same_if_equal(proposal: Proposal) -> tuple[str, ...]:
    """Return the columns of a link between a person and other rows that make two links the same, without a key for it.

    A link has nothing but references, a number of its own and the time when it was made. With another time, rows are
    events: the same person at the same place twice.
    """
    table = proposal.table
    referring = {column for found in table.references for column in found.columns}
    notes = {column for column in table.columns if names.is_note(column) or names.is_maker(column)}
    same = [c for c in table.columns if c in proposal.columns or c in referring - notes]
    others = [column for name, column in table.columns.items() if name not in {*same, *notes}]
    is_link = all(
        column.counts
        or table.primary_key == (column.name,)
        or (is_time(column) and names.is_of_making(column.name))
        for column in others
    )
    is_plain = all(owner.form == "value" for owner in proposal.owners)
    return tuple(same) if is_link and is_plain and len(same) > 1 and not clashes(proposal) else ()


def is_one_a_person(proposal: Proposal) -> bool:
    return any(proposal.table.is_unique(owner.column) for owner in proposal.owners)


def rename(proposal: Proposal) -> bool:
    """Propose to rename the source's row, by which no row is lost. Returns whether there is a name to change."""
    keys = clashes(proposal)
    if len(keys) != 1 or keys[0].constraint or None in keys[0].names:
        return False
    for name in keys[0].names:
        column = proposal.table.columns[str(name)]
        if name not in proposal.columns and column.base_type.startswith(TEXTS) and column.written:
            proposal.rule = Combine(on_clash=Rename(str(name)))
            proposal.why = f"Of two rows with the same {name}, the Source User's is renamed, and both stay."
            return True
    return False


def is_link(proposal: Proposal, keys: list[Index]) -> bool:
    """Return whether the row joins two persons: one key holds both."""
    values = [owner.column for owner in proposal.owners if owner.form == "value"]
    return (
        len(values) > 1
        and values == [owner.column for owner in proposal.owners[: len(values)]]
        and any(set(values[:2]) <= set(key.names) for key in keys)
    )


def question(proposal: Proposal) -> str:
    """Return the question that the rule answers, in words."""
    keys = [key for key in clashes(proposal) if not key.constraint]
    owners = ", ".join(dict.fromkeys(owner.column for owner in proposal.owners))
    text = f"Combine or overwrite the rows of {owners}?"
    for key in keys:
        condition = f" where {key.predicate}" if key.predicate else ""
        text += f" Which row survives on the key ({', '.join(key.expressions)}){condition}?"
    text = f"{text} Proposed: {proposal.why}".strip()
    if proposal.self_edges == "drop":
        both = " and ".join(owner.column for owner in proposal.owners[:2])
        text += f" A row with the Target User in both {both} is deleted with what belongs to it."
    return text + of_rows_below(proposal)


def of_rows_below(proposal: Proposal) -> str:
    """Return what happens to the rows that belong to a row which is replaced or discarded, in words."""
    below = [child for child in proposal.children if not child.detached]
    kept = ", ".join(child.table.path for child in below if not child.goes_with_parent)
    if isinstance(proposal.rule, Overwrite):
        listed = ", ".join(child.table.path for child in below)
        return (
            f" The Target User's rows of {listed}, and what belongs to them, are deleted with theirs."
            if listed
            else ""
        )
    return f" Rows of {kept} that belong to the discarded row then belong to the kept one." if kept else ""
