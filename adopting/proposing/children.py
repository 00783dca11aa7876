"""Children of the proposed types: the foreign keys to rows that a transfer may delete, to any depth."""

from collections.abc import Iterable, Iterator, Sequence

from adopting.catalog.tables import Table
from adopting.proposing import rules
from adopting.proposing.plan import ChildPlan, Plan, Proposal
from transfers.checks.catalog.tables import Reference
from transfers.checks.tables.keys import clashing_keys
from transfers.engine.compiler.children import smallest
from transfers.rules import Combine, Overwrite, Rename


class Impossible(Exception):
    """No declaration is right for this foreign key. `typed` is the table whose own data type is in the way, or None."""

    def __init__(self, reason: str, typed: Table | None = None) -> None:
        super().__init__(reason)
        self.typed = typed


def propose_children(plan: Plan) -> None:
    """Give each proposal its children. Where that is impossible, choose a rule that deletes no row, or drop a type."""
    waiting = list(plan.proposals)
    while waiting:
        proposal = plan.proposals.get(waiting.pop(0))
        if proposal is None:
            continue
        try:
            proposal.children = children(plan, proposal)
        except Impossible as problem:
            waiting = mend(plan, proposal, problem)


def mend(plan: Plan, proposal: Proposal, problem: Impossible) -> list[int]:
    """Change the plan so that the problem is gone, and return the tables to look at again: all."""
    path, typed = proposal.table.path, problem.typed
    if rules.rename(proposal):
        pass
    elif isinstance(proposal.rule, Overwrite):
        rules.combine(proposal)
    elif typed is not None:
        plan.drop(
            typed.oid,
            f"its rows belong to rows of {path}, and go with them.",
            f"Rows of {path} may be dropped, and {problem}. So only one of the two can be transferred by itself."
            f" Proposed: {path}.",
        )
    else:
        plan.drop(
            proposal.table.oid,
            f"{problem}.",
            f"Rows could be dropped, and {problem}. Proposed: leave the rows of {path} with the Source User.",
        )
    return list(plan.proposals)


def can_lose_rows(proposal: Proposal) -> bool:
    rule = proposal.rule
    if isinstance(rule, Overwrite) or proposal.self_edges == "drop":
        return True
    renames = isinstance(rule, Combine) and isinstance(rule.on_clash, Rename)
    return not renames and bool(rules.clashes(proposal))


def children(plan: Plan, proposal: Proposal) -> tuple[ChildPlan, ...]:
    if not can_lose_rows(proposal):
        return ()
    return tuple(below(plan, proposal, [proposal.table], set()))


def below(
    plan: Plan, proposal: Proposal, above: Sequence[Table], taken: set[int], *, orphaned: bool = False
) -> Iterator[ChildPlan]:
    """Yield the children of the last table. `taken`: the tables that are children already, once each.

    orphaned: no row takes the place of their parent, so they are deleted with it.
    """
    references = sorted(plan.database.references_to(above[-1].oid), key=lambda found: len(found.columns))
    places = set()
    for found in references:
        child = plan.database.tables[plan.database.whole(found.oid)]
        column = identifying(plan, found, child)
        own = [one for one in references if one.oid == child.oid and not one.has_period]
        if not is_found(column, found, own):
            raise Impossible(f"{found.name} of {child.path} has other columns than a foreign key beside it")
        if (child.oid, column) in places:
            continue  # one Child stands for both foreign keys
        places.add((child.oid, column))
        must_detach = child in above or child.oid in taken or child.oid in plan.proposals
        if must_detach or (found.on_delete == "n" and column in found.nullable):
            yield detached(plan, proposal, found, child, column)
            continue
        taken.add(child.oid)
        keys = clashing_keys(child.indexes, {column})
        with_parent = any(key.constraint for key in keys)
        goes = (
            orphaned or with_parent or isinstance(proposal.rule, Overwrite) or proposal.self_edges == "drop"
        )
        deeper = tuple(below(plan, proposal, [*above, child], taken, orphaned=goes)) if goes or keys else ()
        yield ChildPlan(child, column, not found.name, goes_with_parent=with_parent, children=deeper)


def is_found(column: str, found: Reference, own: Iterable[Reference]) -> bool:
    """Return whether rows are found as children by exactly the columns of this foreign key. own: those of the table."""
    referenced = dict(zip(found.columns, found.referenced_columns, strict=True))[column]
    pairs = set(smallest((column, referenced), ((one.is_validated, one.pairs) for one in own)))
    return not found.has_period and pairs <= found.pairs and pairs in [one.pairs for one in (found, *own)]


def identifying(plan: Plan, found: Reference, child: Table) -> str:
    """Return the column of the foreign key by which the model of the child has it."""
    target = plan.database.whole(found.referenced)
    for column, referenced in zip(found.columns, found.referenced_columns, strict=True):
        if plan.foreign.get((child.oid, column)) == (target, referenced):
            return column
    raise Impossible(f"{child.path} references them by several columns ({found.name})")


def detached(plan: Plan, proposal: Proposal, found: Reference, child: Table, column: str) -> ChildPlan:
    """Return a child whose reference is cleared, because its rows stay."""
    own = plan.proposals.get(child.oid)
    if column not in found.nullable:
        raise Impossible(f"rows of {child.path} must not lose their {column}", child if own else None)
    if found.is_full and len(found.columns) > 1:
        raise Impossible(
            f"rows of {child.path} must not lose their {column} alone ({found.name} is MATCH FULL)"
        )
    if own and own is not proposal and can_lose_rows(own):
        raise Impossible(f"rows of {child.path} may be dropped themselves", child)
    if keys := clashing_keys(child.indexes, {column}):  # also a partial one: WHERE (column IS NULL)
        raise Impossible(f"a cleared {column} of {child.path} may violate {keys[0].name}")
    return ChildPlan(child, column, not found.name, detached=True)


def question(plan: Plan, proposal: Proposal) -> str:
    """Return the question whether these are the children, or "" if foreign keys of the database say so."""
    found = [f"{child.table.path}.{child.column}" for child in flat(proposal.children) if child.inferred]
    doubts = plan.doubts.get(proposal.table.oid, []) if can_lose_rows(proposal) else []
    if not found and not doubts:
        return ""
    listed, perhaps = ", ".join(found), ", ".join(doubts)
    return "".join(
        [
            f"A transfer may delete rows of {proposal.table.path}. Do rows of other tables belong to them?"
            " No foreign key says so",
            f", but by name and values these columns refer to them: {listed}." if found else ".",
            f" These may, or refer to another table or hold a number: {perhaps}." if doubts else "",
            f" Proposed: {listed or 'none'}. Where one is wrong, remove its Child, and in models.py write its field"
            " like those of plain numbers instead of ForeignKey. To add one, make its field a ForeignKey in models.py,"
            " as others there are, and add a Child here.",
        ]
    )


def flat(children: Iterable[ChildPlan]) -> Iterator[ChildPlan]:
    for child in children:
        yield child
        yield from flat(child.children)
