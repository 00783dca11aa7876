"""Which columns make a row somebody's record, and which rather say who did something."""

from adopting.people import names
from adopting.people.standing import Stand
from adopting.proposing import obstacles
from adopting.proposing.plan import Kept, Plan, Proposal

LOW = 0.5
LISTS = ("array", "json")


def divide(plan: Plan, stands: list[Stand], holders: "obstacles.Holders") -> None:
    """Make a proposal for each table with an owner; the other columns are kept as they are."""
    of_table: dict[int, list[Stand]] = {}
    for stand in stands:
        of_table.setdefault(stand.oid, []).append(stand)
    for oid, table in plan.database.tables.items():
        own = of_table.get(oid, [])
        hindered = obstacles.of_table(table, plan.database)
        usable: list[Stand] = []
        for stand in own:
            reason = hindered or obstacles.of_column(stand, table, holders)
            if reason:
                question = f"It cannot be transferred: {reason}. Does it stay as it is?"
                plan.kept.append(Kept(stand, f"{reason}.", question))
            else:
                usable.append(stand)
        owners = chosen(usable)
        plan.kept += [kept for stand in usable if stand not in owners for kept in [as_note(stand, owners)]]
        if owners:
            plan.proposals[oid] = Proposal(table, owners)


def chosen(stands: list[Stand]) -> list[Stand]:
    """Return the owners. A column that says who made the row is one only if no other column but lists is."""
    likely = [stand for stand in stands if not unlikely(stand) and not names.is_note(stand.column)]
    lists = [stand for stand in likely if stand.form in LISTS]
    single = [stand for stand in likely if stand.form not in LISTS]
    owners = [stand for stand in single if not names.is_maker(stand.column)] or single[:1]
    return [*owners, *lists]


def unlikely(stand: Stand) -> bool:
    return stand.share is not None and stand.share < LOW


def as_note(stand: Stand, owners: list[Stand]) -> Kept:
    if unlikely(stand):
        return Kept(
            stand,
            "its values are not people.",
            f"Do people stand here? {found_by(stand)}. Proposed: no.",
        )
    beside = f" beside {', '.join(owner.column for owner in owners)}" if owners else ""
    return Kept(
        stand,
        "it says who did something, and stays true after a transfer.",
        f"Is this somebody's record{beside}, or a note of who did it? {found_by(stand)}. Proposed: a note. For a"
        " record, remove this line and add the column to the owners.",
    )


def found_by(stand: Stand) -> str:
    """Return in words why the column is taken for people."""
    if stand.is_foreign_key:
        return f"Foreign key to {stand.target}"
    if stand.share is None:
        return "Found by its name only: the sample has no value"
    return f"Of {stand.seen} sampled values {stand.share:.0%} are people"
