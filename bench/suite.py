"""The parts of the benchmark and their data. A template database is created when a part first needs it."""

from functools import cached_property

from bench import measures, pages
from bench.data import CLASHES, Group, Pair, clash, make_empty, make_template, multiply
from bench.measures import Piece, Say
from bench.server import Server
from bench.sizes import Sizes
from bench.undo import undo


class Suite:
    """Runs the parts of the benchmark: one method per part, named like its key in results.json."""

    def __init__(self, server: Server, sizes: Sizes, say: Say) -> None:
        self.server, self.sizes, self.say = server, sizes, say

    @cached_property
    def empty_template(self) -> str:
        self.say("creating an empty database")
        make_empty(self.server, "empty")
        return "empty"

    @cached_property
    def few_pairs(self) -> dict[str, list[Pair]]:
        pairs = self.sizes.pairs
        return self.template("few", Group("few", pairs, self.sizes.few), Group("empty", pairs, 0))

    def template(self, name: str, *groups: Group) -> dict[str, list[Pair]]:
        empty = self.empty_template
        self.say(f"creating data: {name}")
        return make_template(self.server, empty, name, groups)

    def few(self) -> Piece:
        return measures.with_all(self.server, "few", self.few_pairs["few"], self.sizes, self.say)

    def external(self) -> Piece:
        return measures.external(self.server, "few", self.few_pairs["few"], self.sizes, self.say)

    def empty(self) -> Piece:
        pairs = self.few_pairs["empty"]
        return measures.with_fast(self.server, "few", pairs, self.sizes, self.say)

    def pairs(self) -> Piece:
        pairs = self.few_pairs["empty"]
        groups = [pairs[:count] for count in self.sizes.pair_series]
        return measures.series(self.server, "few", groups, self.sizes, self.say)

    def realistic(self) -> Piece:
        group = Group("realistic", self.sizes.realistic_pairs, self.sizes.realistic)
        pairs = self.template("realistic", group)[group.name]
        found = measures.with_fast(self.server, "realistic", pairs, self.sizes, self.say)
        self.server.drop("realistic")
        return found

    def rows(self) -> Piece:
        groups = [Group(str(share), self.sizes.doubling_pairs, share) for share in self.sizes.doubling]
        pairs = self.template("doubling", *groups)
        found = measures.series(self.server, "doubling", list(pairs.values()), self.sizes, self.say)
        self.server.drop("doubling")
        return found

    def one(self) -> Piece:
        others = Group("others", 200, self.sizes.few)
        pairs = self.template("one", Group("light", 1, 0.002), Group("heavy", 1, 1), others)
        multiply(self.server, "one", pairs["heavy"][0][0], self.sizes.heavy)
        found = measures.one_user(self.server, "one", pairs, self.say)
        self.server.drop("one")
        return found

    def clashes(self) -> Piece:
        groups = [Group(name, 1, 0) for name in CLASHES]
        pairs = self.template("clashes", *groups, Group("others", 20, self.sizes.few))
        clash(self.server, "clashes", pairs, self.sizes.clashing)
        found = measures.clashes(self.server, "clashes", pairs, self.sizes, self.say)
        self.server.drop("clashes")
        return found

    def undo(self) -> dict[str, Piece]:
        group = Group("undo", self.sizes.realistic_pairs, self.sizes.realistic)
        few = self.few_pairs["few"]
        found = {"few": undo(self.server, "few", few, self.sizes, self.say)}
        pairs = self.template("undo", group)[group.name]
        found["realistic"] = undo(self.server, "undo", pairs, self.sizes, self.say)
        self.server.drop("undo")
        return found

    def counting(self) -> Piece:
        group = Group("counting", self.sizes.counted, self.sizes.realistic)
        pairs = self.template("counting", group)[group.name]
        found = pages.counting(self.server, "counting", pairs, self.sizes, self.say)
        self.server.drop("counting")
        return found

    def files(self) -> Piece:
        return pages.files(self.server, "few", self.few_pairs["few"], self.sizes, self.say)

    def picker(self) -> Piece:
        _ = self.few_pairs  # creates the template
        return pages.picker(self.server, "few", self.sizes, self.say)
