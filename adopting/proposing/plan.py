"""The plan of an app: a proposal for each table in which people stand, and the columns that are kept as they are."""

from dataclasses import dataclass, field

from adopting.catalog.tables import Database, Table
from adopting.people.standing import Stand
from adopting.proposing.foreign_keys import Columns
from transfers.rules import Combine, Rule


@dataclass(frozen=True)
class ChildPlan:
    """A foreign key to rows that a transfer may delete, and what happens to the rows that have it.

    inferred: no foreign key of the database says so.
    """

    table: Table
    column: str
    inferred: bool = False
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
    """A column that a transfer is not to change, with the reason and the question whether that is right.

    remark: what was found, which is no part of the question, so that the same question can be asked once for many.
    columns: those of the table that the question is about, if it is asked once for several. The first one asks it.
    """

    stand: Stand
    reason: str
    question: str
    remark: str = ""
    columns: tuple[str, ...] = ()


@dataclass
class Plan:
    """Everything that the files are written from. `notes` are what the person should know besides.

    aside: proposals that are not made, for whoever answers their questions otherwise; their owners are in `kept`.
    doubts: the columns that may reference a table without a foreign key (`adopting.proposing.inferred`).
    """

    database: Database
    stands: list[Stand]
    foreign: Columns
    proposals: dict[int, Proposal] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    aside: dict[int, Proposal] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    doubts: dict[int, list[str]] = field(default_factory=dict)

    def drop(self, oid: int, reason: str, question: str) -> None:
        """Give up a proposal: its owners are kept as they are."""
        self.keep(self.proposals.pop(oid).owners, reason, question)

    def keep(self, stands: list[Stand], reason: str, question: str) -> None:
        """Keep these columns of one table as they are, with one question for all of them."""
        of_column: dict[str, Stand] = {}
        for stand in stands:
            of_column.setdefault(stand.column, stand)
        self.kept += [Kept(stand, reason, question, columns=(*of_column,)) for stand in of_column.values()]
