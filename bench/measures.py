"""The measurements; each returns the content of one part of results.json."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from bench import library
from bench.contestants import (
    Contestant,
    Job,
    by_external_id,
    by_library,
    by_orm,
    careful_expert,
    one_worker,
    pair_by_pair,
    script,
    two_workers,
)
from bench.data import CLASHES, Pair
from bench.race import Prepared, Result, check_agreement, measure, prepared, race
from bench.server import Server
from bench.sizes import Sizes

FAST = {
    "script": script,
    "careful expert": careful_expert,
    "ours, one worker": one_worker,
    "ours, two workers": two_workers,
}
SLOW = {"ORM": by_orm, **({"merge library": by_library} if library.INSTALLED else {})}
Piece = dict[str, Any]
Say = Callable[[str], None]


def facts(found: Prepared) -> Piece:
    return {
        "pairs": len(found.job.pairs),
        "rows": found.rows,
        "rows_changed": found.changed,
        "upload_seconds": round(found.upload, 3),
        "preview_seconds": round(found.preview, 3),
        "confirm_seconds": round(found.confirm, 3),
    }


def as_json(results: dict[str, Result]) -> Piece:
    """Return the results by contestant, with the ratio of its seconds to those of the two experts."""
    experts = {f"times_{name.split()[0]}": results[name].seconds for name in ("script", "careful expert")}
    return {
        name: result.to_json()
        | {ratio: round(result.seconds / seconds, 3) for ratio, seconds in experts.items()}
        for name, result in results.items()
    }


def with_all(server: Server, template: str, pairs: Sequence[Pair], sizes: Sizes, say: Say) -> Piece:
    """Race all contestants; those of SLOW on a sample of the pairs."""
    with prepared(server, template, pairs, "ready") as found:
        say(f"{len(pairs):,} pairs with {found.rows:,} rows")
        results = race(found.job, {**FAST, "pair by pair": pair_by_pair}, sizes.rounds)
        return facts(found) | {"contestants": as_json(results | sample(found.job, sizes, say))}


def sample(job: Job, sizes: Sizes, say: Say) -> dict[str, Result]:
    """Race the contestants of SLOW against the script, whose records must be the same on these pairs too."""
    part = replace(job, pairs=job.pairs[: sizes.orm])
    say(f"{', '.join(SLOW)} on {len(part.pairs)} of these pairs")
    contestants: dict[str, Contestant] = {"script": script, **SLOW}
    results = race(part, contestants, sizes.rounds)
    for result in results.values():
        result.times_sample = len(job.pairs) / len(part.pairs)
    return {name: results[name] for name in SLOW}


def with_fast(server: Server, template: str, pairs: Sequence[Pair], sizes: Sizes, say: Say) -> Piece:
    """Race both experts against the engine with one worker and with two."""
    with prepared(server, template, pairs, "ready") as found:
        say(f"{len(pairs):,} pairs with {found.rows:,} rows")
        return facts(found) | {"contestants": as_json(race(found.job, FAST, sizes.rounds))}


def external(server: Server, template: str, pairs: Sequence[Pair], sizes: Sizes, say: Say) -> Piece:
    """Race the engine with owners by external ID against the engine with owners by ID."""
    with prepared(server, template, pairs, "ready") as found:
        say(f"{len(pairs):,} pairs with {found.rows:,} rows, by ID and by external ID")
        contestants = {"by ID": one_worker, "by external ID": by_external_id}
        results = race(found.job, contestants, sizes.rounds)
        return facts(found) | {"contestants": {name: run.to_json() for name, run in results.items()}}


def series(server: Server, template: str, groups: Sequence[Sequence[Pair]], sizes: Sizes, say: Say) -> Piece:
    """Measure the engine with one worker on each group of pairs, and compare the times of consecutive groups.

    The groups take turns in every round, so that a slow phase of the machine affects all of them.
    """
    steps: list[Piece] = []
    results = [Result() for _ in groups]
    for number in range(sizes.rounds):
        for place, pairs in enumerate(groups):
            with prepared(server, template, pairs, "ready") as found:
                run, _ = measure(found.job, one_worker)
            results[place].runs.append(run)
            if number == 0:
                say(f"{len(pairs):,} pairs with {found.rows:,} rows")
                steps.append(facts(found))
    for step, result in zip(steps, results, strict=True):
        step["ours, one worker"] = result.to_json()
    times = [result.seconds for result in results]
    return {"steps": steps, "ratios": [round(b / a, 3) for a, b in pairwise(times)]}


def one_user(server: Server, template: str, pairs: dict[str, list[Pair]], say: Say) -> Piece:
    """Transfer one pair with few rows and one with very many, and measure the time and the worker's memory."""
    found: Piece = {}
    for name in ("light", "heavy"):
        with prepared(server, template, pairs[name], "ready") as ready:
            say(f"one pair with {ready.rows:,} rows")
            ours, end = measure(ready.job, one_worker)
            theirs, other_end = measure(ready.job, script)
            check_agreement({"ours": end, "script": other_end})
        found[name] = facts(ready) | {
            "ours, one worker": round(ours.seconds, 3),
            "script": round(theirs.seconds, 3),
            "worker_peak_mb": round(ours.peaks[0], 1),
        }
    grown = found["heavy"]["worker_peak_mb"] - found["light"]["worker_peak_mb"]
    return found | {"grown_mb": round(grown, 1)}


def clashes(server: Server, template: str, pairs: dict[str, list[Pair]], sizes: Sizes, say: Say) -> Piece:
    """Transfer one pair whose users have very many rows with the same keys, once for each way to resolve them."""
    found: Piece = {}
    for name in CLASHES:
        with prepared(server, template, pairs[name], "ready") as ready:
            say(f"one pair with {ready.rows:,} rows, {sizes.clashing:,} of them {name}")
            found[name] = facts(ready) | {"contestants": as_json(race(ready.job, FAST, sizes.rounds))}
    return found


def dump(found: Piece) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
