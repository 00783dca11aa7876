"""Refuse a pair whose records cannot hold what they would have to store of the Target User."""

from collections.abc import Iterable

from transfers.engine.compiler.plans import CompiledPlan
from transfers.engine.compiler.steps import sql_file
from transfers.engine.stage import fetch, union_all

WHY = {
    "misfit": "the column that refers to the user cannot hold the {attribute} of the Target User.",
    "shared": "a user of another tenant has the same {attribute} as the Source User or the Target User, and the table"
    " does not tell tenants apart.",
}


class MisfitRefused(Exception):
    """A pair has rows that cannot hold its Target User. The preview names it; the users may have been changed since."""

    def __init__(self, data_type: str, why: str, attribute: str) -> None:
        self.data_type = data_type
        super().__init__(WHY[why].format(attribute=attribute))


def refuse_misfits(plans: Iterable[CompiledPlan]) -> None:
    """Raise `MisfitRefused` if a pair of the batch has such rows, of a type that stores another attribute than IDs."""
    storing = {plan.data_type.key: plan for plan in plans if plan.data_type.held_attributes}
    misfits = union_all(plan.totals.misfits for plan in storing.values())
    if misfits:
        for data_type, why in fetch(sql_file("refused").format(misfits=misfits)):
            raise MisfitRefused(data_type, why, storing[data_type].data_type.words_for_attributes)
