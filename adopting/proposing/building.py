"""From the database to the plan."""

from adopting.catalog.tables import Database
from adopting.people.lookups import with_looked_up_kinds
from adopting.people.sampling import sampled
from adopting.people.standing import Holders, candidates
from adopting.proposing.aside import propose_children_aside, set_aside
from adopting.proposing.children import propose_children
from adopting.proposing.foreign_keys import foreign_keys
from adopting.proposing.inferred import infer_references
from adopting.proposing.owners import divide
from adopting.proposing.plan import Plan
from adopting.proposing.rules import propose_rule


def build_plan(database: Database) -> Plan:
    notes: list[str] = []
    doubts = infer_references(database, notes)
    holders = Holders(database)
    stands = holders.stands()
    known = {(stand.oid, stand.column) for stand in stands}
    stands += sampled(database, with_looked_up_kinds(database, candidates(database, known)), notes)
    plan = Plan(database, stands, foreign_keys(database, holders.columns), notes=notes, doubts=doubts)
    divide(plan, stands, holders)
    for proposal in plan.proposals.values():
        propose_rule(proposal)
    set_aside(plan)
    propose_children(plan)
    propose_children_aside(plan)
    keep_each_column_once(plan)
    return plan


def keep_each_column_once(plan: Plan) -> None:
    """Note the places of a document that stay if another place of it is an owner, as a column is only declared once.

    Of several places that stay, the last one's question is asked.
    """
    plan.kept = list({(kept.stand.oid, kept.stand.column): kept for kept in plan.kept}.values())
    owners = {(oid, column) for oid, proposal in plan.proposals.items() for column in proposal.columns}
    for kept in list(plan.kept):
        stand = kept.stand
        if (stand.oid, stand.column) in owners:
            plan.kept.remove(kept)
            table = plan.database.tables[stand.oid]
            plan.notes.append(
                f"{table.path}.{stand.column}: one place of it stays as it is, because {kept.reason}"
            )
