"""The plan of an app: a proposal for each table in which people stand, and the columns that are kept as they are."""

from dataclasses import dataclass, field

from adopting.catalog.tables import Database, Table
from adopting.people.standing import Stand
from adopting.proposing.foreign_keys import Columns
from transfers.rules import Combine, Rule


@dataclass(frozen=True)
class ChildPlan:
    """A foreign key to rows that a transfer may delete, and what happens to the rows that have it."""

    table: Table
    column: str
    goes_with_parent: bool = False
    detached: bool = False
    children: tuple["ChildPlan", ...] = ()


@dataclass
class Proposal:
    """A data type to propose. `rule` names columns instead of fields; `why` says why it is proposed."""

    table: Table
    owners: list[Stand]
    rule: Rule = field(default_factory=Combine)
    why: str = ""
    self_edges: str = "keep"
    children: tuple[ChildPlan, ...] = ()

    @property
    def columns(self) -> set[str]:
        return {owner.column for owner in self.owners}


@dataclass(frozen=True)
class Kept:
    """A column that a transfer is not to change, with the reason and the question whether that is right."""

    stand: Stand
    reason: str
    question: str


@dataclass
class Plan:
    """Everything that the files are written from. `notes` are what the person should know besides.

    aside: proposals that are not made, for whoever answers their questions otherwise; their owners are in `kept`.
    """

    database: Database
    stands: list[Stand]
    foreign: Columns
    proposals: dict[int, Proposal] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    aside: dict[int, Proposal] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def drop(self, oid: int, reason: str, question: str) -> None:
        """Give up a proposal: its owners are kept as they are."""
        for owner in self.proposals.pop(oid).owners:
            self.kept.append(Kept(owner, reason, question))
