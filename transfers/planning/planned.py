"""A plan and its pairs: what a transfer would do, and the problems that were found."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from transfers.engine.stage import Counts
from transfers.planning.impact import Impact, add_up, impact_of
from transfers.validation import UserFacts, problem_kinds
from wording.problems import Problem


@dataclass(frozen=True)
class PlannedPair:
    """One row of the plan. `source` or `target` is None if the acting person can see no user with that ID.

    `is_counted` distinguishes a pair without records from one that has not been counted.
    """

    row_number: int
    source_id: int | None
    target_id: int | None
    source: UserFacts | None
    target: UserFacts | None
    problems: tuple[Problem, ...]
    counts: Counts = field(default_factory=dict)
    is_counted: bool = False

    @property
    def names(self) -> list[str]:
        return [user.name if user else "" for user in (self.source, self.target)]

    @property
    def details(self) -> list[str]:
        """What tells the users from others with the same name."""
        users = (self.source, self.target)
        return [text for user in users if user for text in (user.username, user.team_name or "")]

    @cached_property
    def impact(self) -> Impact:
        return impact_of(self.counts)

    @property
    def is_ready(self) -> bool:
        return not any(problem.severity.blocks for problem in self.problems)

    @property
    def is_repeated(self) -> bool:
        return is_repeated(self.problems)

    @property
    def looks_backwards(self) -> bool:
        """True if only the target is inactive. The direction may be wrong: users who have left are usually sources."""
        return bool(self.source and self.target and self.source.is_active and not self.target.is_active)

    @cached_property
    def weight(self) -> int:
        """Number of records that the run has to process."""
        return sum(
            n
            for numbers in self.counts.values()
            for what, n in numbers.items()
            if what in ("source", "target")
        )


@dataclass(frozen=True)
class Plan:
    """What a transfer would do.

    rows: every row that was checked. problems: the problems of the file as a whole, without those of single rows.
    uncounted: the number of rows whose pairs can be transferred but are not counted yet. keeps_target: True for a
    transfer of late arrivals, which overwrites nothing.
    """

    rows: tuple[PlannedPair, ...]
    problems: tuple[Problem, ...] = ()
    uncounted: int = 0
    keeps_target: bool = False

    @cached_property
    def pairs(self) -> tuple[PlannedPair, ...]:
        """The rows, except those that repeat the pair of an earlier row."""
        return tuple(row for row in self.rows if not row.is_repeated)

    @cached_property
    def all_problems(self) -> list[Problem]:
        """The problems of the file, followed by those of each row."""
        return [*self.problems, *(problem for row in self.rows for problem in row.problems)]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.all_problems if problem.severity.blocks]

    @property
    def warnings(self) -> list[Problem]:
        return [problem for problem in self.all_problems if not problem.severity.blocks]

    @property
    def to_tick(self) -> list[Problem]:
        """The warnings about the file that the person has to tick in the confirmation."""
        return [problem for problem in self.problems if problem.code in problem_kinds.SUSPICIOUS]

    @property
    def ready(self) -> bool:
        return bool(self.pairs) and not self.errors

    @cached_property
    def totals(self) -> Impact:
        return impact_of(add_up(pair.counts for pair in self.pairs), keep_target=self.keeps_target)

    @property
    def about_all(self) -> list[str]:
        """What the person is shown about all pairs, beside their totals."""
        return ["keeps target"] * self.keeps_target + [problem.code for problem in self.to_tick]

    @cached_property
    def hash(self) -> str:
        """SHA-256 of everything that the person is shown: users, names, teams, problem codes and counts by pair."""
        shown = [
            (
                pair.source_id,
                pair.target_id,
                pair.names,
                pair.details,
                sorted(p.code for p in pair.problems),
                pair.counts,
            )
            for pair in self.pairs
        ]
        text = json.dumps([shown, *self.about_all] if self.about_all else shown, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def is_repeated(problems: Iterable[Problem]) -> bool:
    return any(problem.code == problem_kinds.REPEATED.code for problem in problems)
