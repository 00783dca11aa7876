"""Sizes of a run: `BENCH` takes about ten minutes on two cores, `LARGE` is as large as a real organisation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """pairs: pairs of the races. few, realistic: share of the types' `demo_rows` that an agent has in each race.

    realistic_pairs: fewer, to limit the time. heavy: approximate rows of the one heavy user. people: users for upload
    and export. searched: users for the picker. rounds: measurements per median. doubling_pairs, doubling: pairs of the
    row series, and their shares of `demo_rows`. pair_series: numbers of pairs without rows. orm: pairs of the ORM's
    sample.
    """

    name: str
    pairs: int = 2000
    few: float = 0.032
    realistic: float = 0.32
    realistic_pairs: int = 300
    heavy: int = 100_000
    people: int = 100_000
    searched: int = 100_000
    rounds: int = 3
    doubling_pairs: int = 200
    doubling: tuple[float, ...] = (0.08, 0.16, 0.32)
    pair_series: tuple[int, ...] = (500, 1000, 2000)
    orm: int = 20


BENCH = Sizes("bench")
LARGE = Sizes(
    "bench-large", realistic_pairs=2000, heavy=1_000_000, searched=1_000_000, doubling_pairs=500, orm=40
)
# To test the benchmark itself.
SMOKE = Sizes(
    "smoke",
    pairs=60,
    realistic_pairs=20,
    heavy=5000,
    people=5000,
    searched=5000,
    rounds=1,
    doubling_pairs=20,
    pair_series=(20, 40, 60),
    orm=5,
)
