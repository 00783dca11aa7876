"""Checks of the rows against each other: repeated pairs, sources with several targets and vice versa, and chains.

They do not read the database and take time linear in the number of rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from transfers.people_csv import FROM_USER_ID, TO_USER_ID
from transfers.validation import problem_kinds
from wording.problems import Problem

ROWS_NAMED = 10
STEPS_NAMED = 8  # maximum number of users named before and after the two users of a row in a chain


class Link(NamedTuple):
    """A row that names two different users."""

    row: int
    source: int
    target: int


Findings = Iterable[tuple[int, Problem]]


def check_links(links: Sequence[Link]) -> Findings:
    """Return the problems, each with the number of its row. The rows may be in any order."""
    return chain(repeated(links), two_targets(links), two_sources(links), chains(links))


def repeated(links: Sequence[Link]) -> Findings:
    first: dict[tuple[int, int], int] = {}
    for link in links:
        earlier = first.setdefault((link.source, link.target), link.row)
        if earlier != link.row:
            yield link.row, problem_kinds.REPEATED(row=link.row, first=earlier)


def two_targets(links: Sequence[Link]) -> Findings:
    for source, group in grouped(links, "source"):
        if len({link.target for link in group}) > 1:
            problem = problem_kinds.TWO_TARGETS(column=FROM_USER_ID, value=str(source), rows=rows_of(group))
            yield from on_each(group, problem)


def two_sources(links: Sequence[Link]) -> Findings:
    for target, group in grouped(links, "target"):
        sources = sorted({link.source for link in group})
        if len(sources) > 1:
            problem = problem_kinds.TWO_SOURCES(
                column=TO_USER_ID, value=str(target), sources=listed(sources), rows=rows_of(group)
            )
            yield from on_each(group, problem)


def grouped(links: Iterable[Link], end: str) -> Iterable[tuple[int, list[Link]]]:
    groups: dict[int, list[Link]] = defaultdict(list)
    user_of = attrgetter(end)
    for link in links:
        groups[user_of(link)].append(link)
    return groups.items()


def on_each(group: Iterable[Link], problem: Problem) -> Findings:
    return ((link.row, replace(problem, row=link.row)) for link in group)


def rows_of(group: Iterable[Link]) -> str:
    return listed([link.row for link in group])


def listed(numbers: Sequence[int]) -> str:
    """Return a list such as "12", "12 and 80" or "12, 13 and 80". After ten numbers, only count the others."""
    items = [str(number) for number in numbers[:ROWS_NAMED]]
    if len(numbers) > ROWS_NAMED:
        items.append(f"{len(numbers) - ROWS_NAMED:,} more")
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else items[0]


# --- Chains --------------------------------------------------------------------------------------------------------

Steps = dict[int, int]


def chains(links: Sequence[Link]) -> Findings:
    """Yield a problem for each row whose source is the target of another row or vice versa, as in A → B → C."""
    following = {link.source: link.target for link in links}
    preceding = {link.target: link.source for link in links}
    for link in links:
        if link.source in preceding or link.target in following:
            yield link.row, problem_kinds.CHAIN(row=link.row, path=path(link, following, preceding))


def path(link: Link, following: Steps, preceding: Steps) -> str:
    """Return the chain that contains the row, shortened to be readable. A cycle ends with its first user."""
    after = list(walk([link.source, link.target], following))
    if after[-1] == str(link.source):
        return " → ".join(after)
    before = list(walk([link.target, link.source], preceding))
    return " → ".join([*reversed(before[2:]), *after])


def walk(users: list[int], steps: Steps) -> Iterator[str]:
    """Yield the two users and those that follow until the chain ends or forms a cycle, then "…" if it was cut off."""
    while users[-1] in steps and users[-1] not in users[:-1] and len(users) < STEPS_NAMED + 2:
        users.append(steps[users[-1]])
    yield from map(str, users)
    if users[-1] in steps and users[-1] not in users[:-1]:
        yield "…"
