"""Refuse a pair whose source and target would become one user in a row, if the data type says so."""

from collections.abc import Iterable

from transfers.engine.compiler.plans import CompiledPlan
from transfers.engine.stage import fetch
from wording.phrases import counted

REFUSED = """
SELECT type, sum(n)::bigint FROM transfer_tally
WHERE what = 'same_user' AND type = ANY (%(types)s)
GROUP BY type, pair ORDER BY type, pair LIMIT 1
"""


class SelfEdgesRefused(Exception):
    """A pair has rows in which both of its users would become one. The preview names it; rows may have come since."""

    def __init__(self, data_type: str, number: int) -> None:
        self.data_type = data_type
        super().__init__(f"{counted(number, 'record')} would have the Target User in two roles.")


def refuse_self_edges(plans: Iterable[CompiledPlan]) -> None:
    """Raise `SelfEdgesRefused` if a pair of the batch has such rows of a type that refuses them."""
    refusing = [plan.data_type.key for plan in plans if plan.data_type.self_edges == "refuse"]
    if refusing:
        for found in fetch(REFUSED, {"types": refusing}):
            raise SelfEdgesRefused(*found)
