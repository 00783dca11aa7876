"""The effect of each rule on the rows of a type, and what is counted for which pair.

- Before the transfer, a row is counted as `source` for each pair whose source is in any of its owner columns, and as
  `target` for each pair whose target is in one of them. A pair is not counted in a place that stores an attribute which
  its source lacks.
- A row with the sources of two pairs is counted for both pairs. If it is discarded, it is stored for both.
- A row with a source in an owner column is moved, dropped or merged. A row with a target but no source is replaced if
  it loses a conflict, for each pair whose target is in an owner column that a unique key holds.
- With `self_edges="drop"`, a row of which one of the first two owners is the source and the other the target of a pair
  is dropped before conflicts are resolved, and no row is kept instead. With "clear", it has no second owner afterwards.
- With `same_user`, or if such rows are cleared, a moved row is also counted as such for a pair if one of its first two
  owners is the source and the other the target.
- Overwrite uses only the first owner column to decide whether the source has rows and which rows belong to the target.
  A replaced row with a source in another owner column is also counted as dropped for the pair of that source.
- Profile leaves the source's row unchanged. A pair is counted, as source and merged, only if a column of the target's
  row changes.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from tests.harness.oracle.children import Orphans, Removed
from tests.harness.oracle.keys import Entrant, resolve
from tests.harness.oracle.places import Place, places
from tests.harness.oracle.policies import fold_losers, folded, order_of, rename
from tests.harness.oracle.world import Batch, Outcome, Pair, Row, World
from transfers.rules import Combine, DataType, Merge, Overwrite, Profile, Rename


def transfer(world: World, data_types: Iterable[DataType], batch: Batch) -> Outcome:
    """Return the outcome of transferring all pairs of the batch at once, without changing `world`."""
    outcome = Outcome(deepcopy(world))
    for data_type in data_types:
        RULES[type(data_type.rule)](Run(data_type, batch, outcome))
    return outcome


class Run:
    """The transfer of one data type for one batch."""

    def __init__(self, data_type: DataType, batch: Batch, outcome: Outcome) -> None:
        self.data_type = data_type
        self.rule = data_type.rule
        self.batch = batch
        self.outcome = outcome
        self.table_name = data_type.model._meta.db_table
        self.table = batch.tables[self.table_name]
        self.places: list[Place] = places(data_type, batch.people)
        self.rows: list[Row] = outcome.world[self.table_name]

    # --- which users a row holds

    def holds(self, row: Row, user: int, where: Sequence[Place] | None = None) -> bool:
        return any(place.holds(row, user) for place in where or self.places)

    def sources(self, row: Row) -> list[Pair]:
        return [pair for pair in self.batch.pairs if self.holds(row, pair.source)]

    def pairs_in(self, row: Row, is_compared: Callable[[str], bool]) -> int:
        """Return the number of pairs whose source the row holds in such a column."""
        where = [place for place in self.places if is_compared(place.column)]
        return sum(bool(where) and self.holds(row, pair.source, where) for pair in self.batch.pairs)

    def targets(self, row: Row, where: Sequence[Place] | None = None) -> list[Pair]:
        places = self.places if where is None else where
        return [
            pair
            for pair in self.batch.pairs
            if any(place.spelling(pair.source) and place.holds(row, pair.target) for place in places)
        ]

    def places_in_keys(self) -> list[Place]:
        """Return the places in unique keys. A part that is a function of the row may depend on any of them."""
        parts = [part for key in self.table.keys for part in key.columns]
        any_place = not all(isinstance(part, str) for part in parts)
        return [place for place in self.places if any_place or place.column in parts]

    def mapped(self, row: Row) -> Row:
        after = row
        for place in self.places:
            after = place.mapped(after, self.batch)
        if self.data_type.self_edges == "clear" and self.joined(row):
            after[self.places[1].column] = None
        return after

    def joined(self, row: Row) -> list[Pair]:
        """Return the pairs whose source the row has as one of its first two owners, and whose target as the other.

        If it has one of these users in both, nothing is new.
        """
        one, other = ([place] for place in self.places[:2])

        def has(user: int, other_user: int) -> bool:
            return self.holds(row, user, one) and self.holds(row, other_user, other)

        return [
            pair
            for pair in self.batch.pairs
            if (has(pair.source, pair.target) or has(pair.target, pair.source))
            and not (has(pair.source, pair.source) or has(pair.target, pair.target))
        ]

    # --- counts and discarded rows

    def count(self, pairs: Iterable[Pair], what: str) -> None:
        for pair in pairs:
            self.outcome.count(pair.key, self.data_type.key, what)

    def count_before(self) -> None:
        for row in self.rows:
            self.count(self.sources(row), "source")
            self.count(self.targets(row), "target")

    def discard(self, row: Row, kept: Row | None, reason: str, pairs: list[Pair], place: Any = ()) -> Removed:
        for pair in pairs:
            self.outcome.discard(self.table_name, reason, pair.key, row)
        return Removed(row, kept, tuple(pair.key for pair in pairs), reason == "replaced", place)

    def leave(self, rows: list[Row], removed: list[Removed]) -> None:
        """Store the remaining rows of the table, and re-point or discard the child rows of the removed ones."""
        self.outcome.world[self.table_name] = rows
        Orphans(self.outcome, self.batch, self.data_type.key).follow(self.data_type.children, removed)


def combine(run: Run) -> None:
    run.count_before()
    policy = run.rule.on_clash if isinstance(run.rule, Combine) else None
    entrants = [Entrant(run.table, row, run.mapped(row), partial(run.pairs_in, row)) for row in run.rows]
    edges = self_edges(run, entrants)
    entrants = [one for one in entrants if one not in edges]
    if isinstance(policy, Rename):
        rename(policy, entrants, run.table)
    resolve(entrants, run.table, order_of(policy))
    if isinstance(policy, Merge):
        fold_losers(policy, entrants)
    removed = [drop_edge(run, one) for one in edges]
    removed += [discard_loser(run, one, isinstance(policy, Merge)) for one in entrants if one.lost_to]
    kept = [one for one in entrants if not one.lost_to]
    for one in kept:
        run.count(run.sources(one.before), "moved")
        if run.data_type.words_for_same_user:
            run.count(run.joined(one.before), "same_user")
    run.leave([one.after for one in kept], removed)


def self_edges(run: Run, entrants: list[Entrant]) -> list[Entrant]:
    if not run.data_type.drops_self_edges:
        return []
    return [one for one in entrants if run.joined(one.before)]


def drop_edge(run: Run, edge: Entrant) -> Removed:
    pairs = run.sources(edge.before)
    run.count(pairs, "dropped")
    return run.discard(edge.before, None, "dropped", pairs)


def discard_loser(run: Run, loser: Entrant, merged: bool) -> Removed:
    pairs = run.sources(loser.before)
    reason = "merged" if merged else "dropped"
    if not pairs:
        pairs, reason = run.targets(loser.before, run.places_in_keys()), "replaced"
    run.count(pairs, reason)
    return run.discard(loser.before, loser.kept_instead.after, reason, pairs, loser.place)


def overwrite(run: Run) -> None:
    run.count_before()
    owning = run.places[:1]
    active = [
        pair for pair in run.batch.pairs if any(run.holds(row, pair.source, owning) for row in run.rows)
    ]
    removed, kept = [], []
    for row in run.rows:
        replaced_for = [pair for pair in active if run.holds(row, pair.target, owning)]
        if replaced_for:
            run.count(replaced_for, "replaced")
            run.count(run.sources(row), "dropped")
            for pair in run.sources(row):
                run.outcome.discard(run.table_name, "dropped", pair.key, row)
            removed.append(run.discard(row, None, "replaced", replaced_for))
        else:
            run.count(run.sources(row), "moved")
            if run.data_type.words_for_same_user:
                run.count(run.joined(row), "same_user")
            kept.append(run.mapped(row))
    run.leave(kept, removed)


def profile(run: Run) -> None:
    columns = run.rule.columns if isinstance(run.rule, Profile) else {}
    for pair in run.batch.pairs:
        source, target = (
            next((row for row in run.rows if run.holds(row, user)), None)
            for user in (pair.source, pair.target)
        )
        if source and target:
            after = folded(columns, target, [source], run.table)
            if after != target:
                for what in ("source", "merged"):
                    run.count([pair], what)
                target.update(after)


RULES = {Combine: combine, Overwrite: overwrite, Profile: profile}
