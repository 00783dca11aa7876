"""The ways in which a line of SQL is broken."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# (what is looked for, what takes its place)
MUTATIONS = [
    (r"AND [^()\n]+(?:\([^()\n]*\))?[^()\n]*$", ""),
    (r"holds_source", "holds_target"),
    (r"holds_target", "holds_source"),
    (r"\bDISTINCT ", ""),
    (r"\bUNION ALL\b", "EXCEPT"),
    (r" = ", " <> "),
    (r" <> ", " = "),
    (r" > 0", " > 1"),
    (r"IS NOT NULL", "IS NULL"),
    (r"IS NULL", "IS NOT NULL"),
    (r"NOT EXISTS", "EXISTS"),
    (r"\bEXISTS", "NOT EXISTS"),
    (r"'dropped'", "'moved'"),
    (r"'replaced'", "'dropped'"),
    (r"'merged'", "'dropped'"),
    (r"'moved'", "'stays'"),
    (r"'children'", "'dropped'"),
    (r"\{target\}", "p.source"),
    (r"fate DESC", "fate"),
    (r"count\(\*\)", "1"),
    (r"\btrue AS", "false AS"),
    (r"\bfalse\b", "true"),
    (r" - 1\b", ""),
    (r"generate_series\(2", "generate_series(3"),
    (r"\bcoalesce\((\S+), (\S+)\)", r"coalesce(\2, \1)"),
]


@dataclass(frozen=True)
class Mutant:
    """A step broken in one place. `text` is the whole broken SQL."""

    step: str
    line: int
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.step}.sql:{self.line}: {self.before.strip()}  →  {self.after.strip() or '(nothing)'}"


def mutants_of(step: str, text: str) -> Iterator[Mutant]:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.lstrip().startswith("--"):
            continue
        for pattern, replacement in MUTATIONS:
            for match in re.finditer(pattern, line):
                broken = line[: match.start()] + match.expand(replacement) + line[match.end() :]
                whole = "\n".join([*lines[:number], broken, *lines[number + 1 :]])
                yield Mutant(step, number + 1, line, broken, whole)
