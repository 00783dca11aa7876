"""Questions that are the same for several tables are asked once, as a name that all of them use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adopting.writing.code import Call, Words, comment, text

# From how many tables on a question is shared.
SEVERAL = 3


@dataclass(frozen=True)
class Asked:
    """A question with the code of its proposed value. It is about a table with these owners, or about its `columns`."""

    table: str
    columns: tuple[str, ...]
    question: str
    value: Call
    is_about_columns: bool = False

    @property
    def sort(self) -> tuple[str, ...]:
        return (*self.columns, self.question, self.value.flat())

    @property
    def about(self) -> str:
        listed = ", ".join(f"{self.table}.{column}" for column in self.columns)
        return listed if self.is_about_columns else self.table


class Shared:
    """The questions that several tables share, and the names by which they are in the file."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, ...], str] = {}
        self.found: dict[tuple[str, ...], list[Asked]] = {}

    def collect(self, all_asked: Sequence[Asked]) -> None:
        by_sort: dict[tuple[str, ...], list[Asked]] = {}
        for asked in all_asked:
            by_sort.setdefault(asked.sort, []).append(asked)
        self.found = {sort: found for sort, found in by_sort.items() if len(found) >= SEVERAL}
        for sort, found in self.found.items():
            words = "STAYS" if found[0].is_about_columns else "RULE"
            name = "_".join([words, *(part.upper() for part in found[0].columns if part.isidentifier())])
            free, number = name, 2
            while free in self.names.values():
                free, number = f"{name}_{number}", number + 1
            self.names[sort] = free

    def code(self, asked: Asked) -> str | Call:
        """Return the name of the shared question, or the question."""
        if asked.sort in self.names:
            return self.names[asked.sort]
        about = Words(asked.about) if len(asked.columns) > 1 else text(asked.about)
        return Call("undecided(", [about, Words(asked.question), asked.value], always=True)

    def lines(self) -> Iterator[str]:
        if self.found:
            yield from comment(
                "Questions that are the same for several tables, answered for all of them at once. To decide otherwise"
                " for one table, write another value instead of the name where it is used below.",
                0,
            )
        for sort, found in self.found.items():
            first = found[0]
            about = ", ".join(asked.about for asked in found)
            tables = ", ".join(asked.table for asked in found)
            listed = f"In {len(found)} tables ({tables}): {first.question}"
            code = Call("undecided(", [Words(about), Words(listed), first.value], always=True)
            yield code.text(before=f"{self.names[sort]} = ")
        if self.found:
            yield ""
