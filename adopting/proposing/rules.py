"""The rule to propose for each table, and the question it answers."""

from adopting.people import names
from adopting.proposing.plan import Proposal
from transfers.checks.catalog.tables import Index
from transfers.checks.tables.keys import clashing_keys
from transfers.rules import Combine, KeepTarget, Latest, Overwrite, Rename

MOMENTS = ("timestamp", "date")
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
    moment = time_of_change(proposal)
    proposal.why = "No unique key holds a person, so both users' rows stay."
    proposal.rule = Combine()
    if keys:
        proposal.rule = Combine(on_clash=KeepTarget())
        proposal.why = "Of two rows with the same key, the Target User's is kept."
    if keys and moment and not any(key.constraint for key in keys):
        proposal.rule = Combine(on_clash=Latest(moment))
        proposal.why = f"Of two rows with the same key, the one with the later {moment} is kept."


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


def time_of_change(proposal: Proposal) -> str:
    return next(
        (
            column.name
            for column in proposal.table.columns.values()
            if column.base_type.startswith(MOMENTS) and names.is_time_of_change(column.name)
        ),
        "",
    )


def question(proposal: Proposal) -> str:
    """Return the question that the rule answers, in words."""
    keys = [key for key in clashes(proposal) if not key.constraint]
    owners = ", ".join(dict.fromkeys(owner.column for owner in proposal.owners))
    text = f"Combine or overwrite the rows of {owners}?"
    for key in keys:
        condition = f" where {key.predicate}" if key.predicate else ""
        text += f" Which row survives on the key ({', '.join(key.expressions)}){condition}?"
    return f"{text} Proposed: {proposal.why}"
