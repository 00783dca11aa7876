"""What importing a row of a file of users would do."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from accounts.models import User
from accounts.people.changes import Difference, Value, differences
from accounts.people.user_import.reader import Row
from wording.problems import Problem

CREATED, CHANGED, UNCHANGED, ERROR = "created", "changed", "unchanged", "error"


@dataclass
class Outcome:
    """What importing a row would do.

    `user` is the existing user, or None. `before` and `after` map labels on screen to the values now and after the
    import. `problems` are errors. `warnings` must be confirmed.
    """

    row: Row
    user: User | None
    before: dict[str, Value]
    after: dict[str, Value]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def differences(self) -> list[Difference]:
        return differences(self.before, self.after)

    @property
    def kind(self) -> str:
        if self.problems:
            return ERROR
        if self.user is None:
            return CREATED
        return CHANGED if self.differences else UNCHANGED


def digest(outcomes: Iterable[Outcome]) -> str:
    """Return a hash of the outcomes. The confirmation uses it to compare the preview with what would happen now."""
    shown = [
        [
            outcome.row.number,
            outcome.kind,
            [str(difference) for difference in outcome.differences],
            [warning.sentence for warning in outcome.warnings],
        ]
        for outcome in outcomes
    ]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def counts(outcomes: Iterable[Outcome]) -> Counter[str]:
    return Counter(outcome.kind for outcome in outcomes)
