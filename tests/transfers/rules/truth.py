"""Truth tables: the rows before a transfer, the outcome of each row, and the counts of the pairs S → T and U → V.

A table is a list of pairs of strings, one per row in primary key order:

    Truth("keep target", small.Keyed, "owner k", ("S 1", "T 1"), ("S 2", "dropped"), ("T 2", "same"), s={...})

The first string contains the column values before the transfer. The second contains the values afterwards, or `same`,
or the reason why the row is discarded. The reason is followed by `U` if the row is discarded for the pair U → V. `s`
and `u` are the counts of the two pairs. A letter stands for a user (see `people`), also inside JSON (`[...]`, `{...}`);
`-` is NULL, `''` an empty string, `_` a space, and `d1` to `d9` are days.
"""

import json
import re
from typing import Any

from django.db.models import Model

from tests.harness.oracle.small_tables import SMALL_TABLES
from tests.harness.oracle.world import Discarded, Row
from tests.transfers.rules import running
from tests.transfers.rules.people import People, Who

Counts = dict[str, int]
REASONS = ("dropped", "merged", "replaced")
NUMBER_OF_PAIR = {"S": 0, "U": 1}


class Truth:
    def __init__(
        self,
        name: str,
        model: type[Model],
        columns: str,
        *lines: tuple[str, str],
        s: Counts | None = None,
        u: Counts | None = None,
        spelled: str = "id",
    ) -> None:
        self.name = name
        self.model = model
        self.table = model._meta.db_table
        self.columns = columns.split()
        self.lines = lines
        self.spelled = spelled
        self.counts = {number: counts for number, counts in enumerate((s, u)) if counts}

    def __repr__(self) -> str:
        return f"{self.model.__name__}: {self.name}"

    def check(self, people: People) -> None:
        """Assert that the engine, the preview and the reference model all give the results in this truth table."""
        entry = running.type_of(self.table)
        running.insert(self.table, [people.spell(row) for row in self.before()])
        before = running.world_of_records([entry])
        model = running.expected(before, people.pairs, people.users.values(), [entry])
        with running.only(entry):
            ran = running.run_pairs(people.by, people.pairs, [entry])
        after = people.spell(self.after())
        discarded = [Discarded(*people.spell(list(row))) for row in self.discarded()]
        counts = {number: {entry.key: numbers} for number, numbers in self.counts.items()}
        assert ran.world[self.table] == running.in_order(after)
        assert running.in_order(ran.discarded) == running.in_order(discarded)
        assert (ran.counts, ran.predicted) == (counts, counts)
        assert model.plain_counts() == counts, "the model is wrong"
        assert running.in_order(model.world[self.table]) == running.in_order(after), "the model is wrong"

    # --- parsing

    def before(self) -> list[Row]:
        return [self.row(number, left) for number, (left, _) in enumerate(self.lines, start=1)]

    def after(self) -> list[Row]:
        return [
            self.row(number, left if right == "same" else right)
            for number, (left, right) in enumerate(self.lines, start=1)
            if not right.startswith(REASONS)
        ]

    def discarded(self) -> list[Discarded]:
        found = []
        for number, (left, right) in enumerate(self.lines, start=1):
            if right.startswith(REASONS):
                reason, _, source = right.partition(" ")
                pair = NUMBER_OF_PAIR[source or "S"]
                found.append(Discarded(self.table, reason, pair, self.row(number, left)))
        return found

    def row(self, number: int, text: str) -> Row:
        values = dict(zip(self.columns, map(self.cell, text.split()), strict=True))
        if len(pk := SMALL_TABLES[self.table].pk) == 1 and "user" not in values:
            values[pk[0]] = number
        return running.whole_row(self.model, **values)

    def cell(self, text: str) -> Any:
        if re.fullmatch("[STUVXO]", text):
            return Who(text, self.spelled)
        if text in FIXED:
            return FIXED[text]
        if re.fullmatch("d[1-9]", text):
            return f"2026-01-0{text[1]}T00:00:00+00:00"
        if text[0] in "[{":
            return self.of_users(json.loads(re.sub(r"\b([STUVXO])\b", r'"who \1"', text)))
        return int(text) if re.fullmatch(r"-?\d+", text) else text.replace("_", " ")

    def of_users(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.of_users(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.of_users(inner) for inner in value]
        if isinstance(value, str) and value.startswith("who "):
            return Who(value[-1], self.spelled)
        return value


FIXED = {"-": None, "''": "", "true": True, "false": False}
