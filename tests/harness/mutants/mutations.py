"""Create mutants, by applying mutation rules to lines of SQL and by breaking hand-picked places in the Python code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TRANSFERS = Path(__file__).resolve().parents[3] / "transfers"
ENGINE = TRANSFERS / "engine"

# (pattern, replacement)
MUTATIONS = [
    (r"holds_source", "holds_target"),
    (r"holds_target", "holds_source"),
    (r"\bDISTINCT (?!ON)", ""),
    (r"\bUNION ALL\b", "EXCEPT"),
    (r" <> ", " = "),
    (r" > 0", " > 1"),
    (r"IS NOT NULL", "IS NULL"),
    (r"(?<!IF )NOT EXISTS", "EXISTS"),
    (r"(?<!NOT )\bEXISTS", "NOT EXISTS"),
    (r"'dropped'", "'moved'"),
    (r"'replaced'", "'dropped'"),
    (r"'merged'", "'dropped'"),
    (r"'moved'", "'stays'"),
    (r"'children'", "'dropped'"),
    (r"\{target\}", "p.source"),
    (r" DESC\b", ""),
    (r"count\(\*\)", "1"),
    (r"\btrue AS", "false AS"),
    (r"\bfalse\b", "true"),
    (r" - 1\b", ""),
    (r"generate_series\(2", "generate_series(3"),
    (r"\bcoalesce\((\S+), (\S+)\)", r"coalesce(\2, \1)"),
    (r"\{lock\}|FOR UPDATE", ""),
    (r"(?<!\)) ORDER BY [^()\n]+(?=[)\n]|$)|^ *ORDER BY [^()\n]+$", ""),
    (r"ORDER BY _arrives, ", "ORDER BY "),
    (r"^DELETE FROM transfer_\w+;$", ""),
]
# Only comparisons are mutated: in an assignment, `<>` is a syntax error, which any test notices.
COMPARISON = re.compile(r" = ")
ASSIGNMENT = re.compile(r'(?:SET |^\s+|, )[\w"{}]+$')


@dataclass(frozen=True)
class Mutant:
    """A file with one change. `before` and `after` are the changed part, and `text` is the content of the mutated file.

    `file` is relative to transfers/engine/ for SQL and to transfers/ for Python.
    """

    file: str
    line: int
    before: str
    after: str
    text: str

    @property
    def step(self) -> str:
        return Path(self.file).stem

    def __str__(self) -> str:
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        return f"{self.file}:{self.line}: {before}  →  {after or '(nothing)'}"


def mutants_of_sql(file: str, text: str) -> Iterator[Mutant]:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("--"):
            for broken in dict.fromkeys(broken_lines(line)):
                whole = "\n".join([*lines[:number], broken, *lines[number + 1 :]])
                yield Mutant(file, number + 1, line, broken, whole)


def broken_lines(line: str) -> Iterator[str]:
    for pattern, replacement in MUTATIONS:
        for match in re.finditer(pattern, line):
            yield line[: match.start()] + match.expand(replacement) + line[match.end() :]
    for match in COMPARISON.finditer(line):
        if not ASSIGNMENT.search(line[: match.start()]):
            yield line[: match.start()] + " <> " + line[match.end() :]
    for start, end in conditions(line):
        yield line[:start] + "true" + line[end:]


def conditions(line: str) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of each condition after WHERE, ON or AND that ends on this line."""
    for match in re.finditer(r"\b(?:WHERE|AND|ON) (?=[^(])", line):
        depth, end = 0, match.end()
        while end < len(line) and depth >= 0 and not (depth == 0 and line.startswith(STOPS, end)):
            depth += {"(": 1, ")": -1}.get(line[end], 0)
            end += 1
        end -= depth < 0
        if depth <= 0 and line[match.end() : end] != "COMMIT DELETE ROWS":
            yield match.end(), end


STOPS = (" AND ", " THEN ", " WHERE ", ";")


def mutants_by_hand(places: list[tuple[str, str, str]]) -> Iterator[Mutant]:
    """Yield the mutant of each place. Raise LookupError if a place is not found exactly once in its file."""
    for file, before, after in places:
        text = (TRANSFERS / file).read_text()
        if text.count(before) != 1:
            raise LookupError(f"{file} holds {before!r} {text.count(before)} times: correct by_hand.py.")
        line = text[: text.index(before)].count("\n") + 1
        yield Mutant(file, line, before, after, text.replace(before, after))
