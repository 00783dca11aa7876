"""Which columns make a row somebody's record, and which rather say who did something."""

from adopting.people import names
from adopting.people.standing import Stand
from adopting.proposing import obstacles
from adopting.proposing.plan import Kept, Plan, Proposal

LOW = 0.5
BESIDE = ("array", "json", "kind")  # forms that may hold others than the one whose record it is


def divide(plan: Plan, stands: list[Stand], holders: "obstacles.Holders") -> None:
    """Make a proposal for each table with an owner; the other columns are kept as they are."""
    of_table: dict[int, list[Stand]] = {}
    for stand in stands:
        of_table.setdefault(stand.oid, []).append(stand)
    for oid, table in plan.database.tables.items():
        own = of_table.get(oid, [])
        if hindered := obstacles.of_table(table, plan.database):
            plan.keep(own, f"{hindered}.", cannot(hindered))
            continue
        usable: list[Stand] = []
        for stand in own:
            if reason := obstacles.of_column(stand, table, holders):
                plan.kept.append(Kept(stand, f"{reason}.", cannot(reason)))
            else:
                usable.append(stand)
        is_people = oid == plan.database.people.relation.oid
        owners = [] if is_people else chosen(usable)
        others = [stand for stand in usable if stand not in owners]
        plan.kept += [of_people(stand) if is_people else as_note(stand, owners) for stand in others]
        if owners:
            plan.proposals[oid] = Proposal(table, owners)


def cannot(reason: str) -> str:
    return f"It cannot be transferred: {reason}. Does it stay as it is?"


def chosen(stands: list[Stand]) -> list[Stand]:
    """Return the owners. A column that says who made the row is one only if no other column of one person is."""
    likely = [
        stand
        for stand in stands
        if not unlikely(stand) and not stand.perhaps and not names.is_note(stand.column)
    ]
    beside = [stand for stand in likely if stand.form in BESIDE]
    single = [stand for stand in likely if stand.form not in BESIDE]
    owners = [stand for stand in single if not names.is_maker(stand.column)] or single[:1]
    return [*owners, *beside]


def unlikely(stand: Stand) -> bool:
    return stand.share is not None and stand.share < LOW


def as_note(stand: Stand, owners: list[Stand]) -> Kept:
    column, remark = stand.column, found_by(stand)
    if unlikely(stand):
        question = f"Do people stand in {column}? Proposed: no, its values are not people."
        return Kept(stand, "its values are not people.", question, remark)
    if stand.perhaps:
        return Kept(
            stand,
            "nobody has said that people stand in it.",
            f"Do people stand in {column}? Its name may say so, but any small number is the ID of a person by chance."
            " Proposed: it stays as it is. If a row is the record of the person there, remove this line and add the"
            " column to the owners of its data type.",
            remark,
        )
    beside = f", beside {', '.join(owner.column for owner in owners)}" if owners else ""
    return Kept(
        stand,
        "it says who did something, and stays true after a transfer.",
        f"Does {column} only say who did something, or is a row the record of the person there? Proposed: it only says"
        " who did something, and stays as it is. If it is that person's record, remove this line and add the column to"
        " the owners of its data type.",
        f"{remark}{beside}",
    )


def of_people(stand: Stand) -> Kept:
    """Return the question about a column of the people themselves: who leads them, or stands in for them."""
    column = stand.column
    if names.is_note(column) or names.is_maker(column):
        return as_note(stand, [])
    return Kept(
        stand,
        "it is in the table of the people themselves, whose rows stay.",
        f"{column} is in the table of the people and names another person, such as their manager or deputy. If that is"
        " the Source User, should it become the Target User? Proposed: no. If yes, remove this line and add a data type"
        f" for this table with {column} as its only owner and Combine(), never Overwrite(). If the Target User has the"
        " Source User there, they will be their own.",
        found_by(stand),
    )


def found_by(stand: Stand) -> str:
    """Return in words why the column is taken for people."""
    if stand.is_foreign_key:
        return f"foreign key to {stand.target}"
    if stand.share is None:
        return "found by its name only, as the sample has no value"
    return f"of {stand.seen} sampled values {stand.share:.0%} are people"
