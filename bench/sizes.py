"""The sizes of a run. `BENCH` takes about ten minutes on two cores; `LARGE` is as large as a real organisation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """The numbers of pairs, rows, users and repetitions in each part of the benchmark.

    A share is the fraction of a data type's `demo_rows` that each agent gets.
    """

    name: str
    pairs: int = 2000  # in the races `few` and `empty`
    few: float = 0.032  # share in the race `few`
    realistic: float = 0.32  # share in the race `realistic`
    realistic_pairs: int = 300  # fewer than `pairs`, to limit the time
    heavy: int = 100_000  # approximate rows of the heavy user in the part `one`
    clashing: int = 10_000  # rows of each user in the part `clashes`
    counted: int = 2000  # pairs with a realistic number of rows in the part `counting`
    people: int = 100_000  # users in the upload and export of people.csv
    searched: int = 100_000  # users whom the picker searches
    rounds: int = 3  # measurements per median
    doubling_pairs: int = 200  # pairs in each step of the series `rows`
    doubling: tuple[float, ...] = (0.08, 0.16, 0.32)  # share in each of these steps
    pair_series: tuple[int, ...] = (500, 1000, 2000)  # pairs, without rows, in the series `pairs`
    orm: int = 20  # pairs in the sample of the ORM and of the merge library


BENCH = Sizes("bench")
LARGE = Sizes(
    "bench-large", realistic_pairs=2000, heavy=1_000_000, searched=1_000_000, doubling_pairs=500, orm=40
)
# For testing the benchmark itself.
SMOKE = Sizes(
    "smoke",
    pairs=60,
    realistic_pairs=20,
    heavy=5000,
    clashing=60,
    counted=20,
    people=5000,
    searched=5000,
    rounds=1,
    doubling_pairs=20,
    pair_series=(20, 40, 60),
    orm=5,
)
