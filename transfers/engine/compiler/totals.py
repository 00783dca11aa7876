"""Counting statements of one data type: rows per pair, and the control totals of `transfers.engine.verification`."""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from transfers.engine.compiler.steps import as_text, fill
from transfers.engine.compiler.subject import Subject


@dataclass(frozen=True)
class Totals:
    """SELECTs that count rows of one data type, to be combined with those of all other types by UNION ALL.

    counts: rows of the source and of the target, per pair. source_rows: rows of the source, per pair. left_behind:
    returns the type if a row still holds a source after the move. misfits: the pairs whose target an owner cannot hold,
    and why: 'unfit' for an ID that is too large, 'misfit' for another attribute, 'shared' for one that users of several
    tenants have. holders_before: rows that hold any user of the batch;
    "" if a row belongs to at most one user, because then they are the rows counted for the pairs. holders_after: rows
    that hold a target.

    A profile has no counts. Its left_behind is the type, if a value of the source's row is still not in the target's;
    its holders are the rows of both users before and after; and its misfits only those that are 'shared', because no
    owner is written.
    """

    counts: str = ""
    source_rows: str = ""
    left_behind: str = ""
    holders_before: str = ""
    holders_after: str = ""
    misfits: str = ""


def compile_totals(subject: Subject) -> Totals:
    of_source, of_target = pair_rows(subject, "source"), pair_rows(subject, "target")
    counts = total("count_before", subject, source_rows=of_source, target_rows=of_target)
    source_rows = total("source_rows", subject, rows=of_source)
    before = total("holders", subject, rows=holding_rows(subject, ["source", "target"]))
    return Totals(
        counts,
        source_rows,
        left_behind=total("left_behind", subject, rows=holding_rows(subject, ["source"])),
        holders_before="" if subject.has_one_owner else before,
        holders_after=total("holders", subject, rows=holding_rows(subject, ["target"])),
        misfits=" UNION ALL ".join(misfits(subject)),
    )


def misfits(subject: Subject) -> Iterator[str]:
    """Yield a SELECT for each owner that cannot hold every user."""
    for owner in subject.owners:
        names = subject.names | subject.owner_names(owner)
        if owner.form.fits:
            why = sql.Literal("misfit" if owner.attribute else "unfit")
            yield as_text(fill("misfits", **names, why=why, fits=owner.fits("target")))
        if owner.attribute and not owner.tenant:
            yield as_text(
                fill("misfits", **names, why=sql.Literal("shared"), fits=sql.SQL("NOT p.is_shared"))
            )


def profile_totals(subject: Subject, changes: sql.Composable) -> Totals:
    """changes: the condition that folding the row `f` of the source changes the row `r` of the target."""
    owner = subject.owners[0]
    source_row = owner.holds("source", "f")
    is_shareable = owner.attribute and not owner.tenant
    holders = total("holders", subject, rows=holding_rows(subject, ["source", "target"]))
    return Totals(
        holders_before=holders,
        holders_after=holders,
        left_behind=total("profile_left", subject, source_row=source_row, changes=changes),
        misfits=total("profile_misfits", subject, source_row=source_row) if is_shareable else "",
    )


def total(name: str, subject: Subject, **rows: sql.Composable) -> str:
    return as_text(fill(name, **subject.names, **rows))


def pair_rows(subject: Subject, role: str) -> sql.Composed:
    """Return a SELECT of one row per pair and record that holds the pair's user of this role in any owner."""
    return holding_rows(subject, [role], by_pair=True)


def holding_rows(subject: Subject, roles: list[str], *, by_pair: bool = False) -> sql.Composed:
    """Return a SELECT of the records that hold a user of these roles in any owner.

    Each record is returned once, or with `by_pair` once per pair. If there is only one owner and it holds one user, no
    record is found twice, so the sorting for DISTINCT and UNION is avoided.
    """
    if subject.has_one_owner:
        select, union = sql.SQL("SELECT p.pair"), sql.SQL(" UNION ALL ")
    else:
        select = sql.SQL("SELECT DISTINCT r.tableoid, r.ctid" + (", p.pair" if by_pair else ""))
        union = sql.SQL(" UNION ")
    return union.join(
        sql.SQL("{} FROM {} AS r JOIN {} AS p ON {}").format(
            select, subject.names["table"], owner.stage, owner.holds(role)
        )
        for owner in subject.owners
        for role in roles
    )
