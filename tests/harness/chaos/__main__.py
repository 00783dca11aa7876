"""Run the chaos rounds: `python -m tests.harness.chaos --rounds 100 --seed 7`. Exits with 1 on any violation."""

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import django

from tests.harness.chaos.ground import WITH_TABLES, Ground, ground

if TYPE_CHECKING:  # importing these loads Django's settings, which need the servers
    from tests.harness.chaos.round import Observations, Plan

ROUNDS_FOR_ALL_TYPES = 10  # a run of at least this many rounds must transfer every data type


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse(arguments)
    # With a time limit this short, tasks often end early and send a message to continue, so that lost messages matter.
    os.environ["TRANSFER_TASK_SECONDS"] = str(Random(options.seed).randint(1, 3))
    with ground(*WITH_TABLES) as site:
        django.setup()
        say(f"Creating {options.users:,} users with records …")
        site.make_template(options.users, options.scale, seed=1)
        if not site.small_disk:
            say('File systems cannot be mounted here, so the fault "disk full" does nothing.')
        site.start_programs()
        return run(site, options)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="number of the first round, to repeat one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--users", type=int, default=1100)
    parser.add_argument("--scale", type=float, default=0.2, help="records per user, as in seed_demo")
    parser.add_argument(
        "--pairs",
        type=int,
        default=200,
        help="pairs per round; some rounds have two and a half times as many",
    )
    parser.add_argument("--faults", nargs="*", default=[], help="only these faults")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="start no round after this time")
    parser.add_argument("--patience", type=float, default=60, help="the longest outage, in seconds")
    parser.add_argument("--delay", type=float, default=1, help="the longest delay of a fault, in seconds")
    return parser.parse_args(arguments)


def run(site: Ground, options: argparse.Namespace) -> int:
    from tests.harness.chaos.round import Round, drawn_plan

    end = time.monotonic() + options.minutes * 60
    rounds: list[Observations] = []
    for number in range(options.first, options.first + options.rounds):
        if time.monotonic() > end:
            break
        draw = Random(f"{options.seed} {number}")
        plan = drawn_plan(draw, options.pairs, options.faults, options.patience, options.delay)
        seen = Round(site, plan, draw).run()
        rounds.append(seen)
        say(line(number, plan, seen))
        if seen.violations:
            say(
                "".join(f"    {sentence[:600]}\n" for sentence in seen.violations[:8])
                + f"    logs: {save_logs(site)}"
            )
    say(summary(rounds))
    missing = types_not_seen(rounds)
    say("".join(f"{name}: no row was {what} in this run\n" for name, what in missing))
    is_good = not any(seen.violations for seen in rounds) and not (
        missing and len(rounds) >= ROUNDS_FOR_ALL_TYPES
    )
    return 0 if is_good else 1


def line(number: int, plan: "Plan", seen: "Observations") -> str:
    result = f"{len(seen.violations)} VIOLATIONS" if seen.violations else "ok"
    states = ", ".join(f"{n} {state}" for state, n in sorted(seen.states.items()))
    extras = [*(f"a pair that {kind}" for kind in plan.poison), *(["locks"] if plan.locks else [])]
    missed = f" (no target: {', '.join(seen.missed)})" if seen.missed else ""
    recovery = f"; next pair after {max(seen.recoveries):.1f} s at most" if seen.recoveries else ""
    failures = f" {dict(seen.failures)}" if seen.failures else ""
    back = f", {seen.undone} undone" if seen.undone else ""
    return (
        f"round {number:>3} {result} in {seen.seconds:.0f} s: {states}{back}{failures};"
        f" chunks of {plan.chunk or 'the usual size'}; {', '.join([*seen.faults, *extras])}{missed}{recovery};"
        f" pages {dict(sorted(seen.pages.items()))}"
    )


def summary(rounds: Sequence["Observations"]) -> str:
    def total(what: str) -> Counter:
        return sum((getattr(seen, what) for seen in rounds), Counter())

    faults = Counter(name for seen in rounds for name in seen.faults)
    missed = Counter(name for seen in rounds for name in seen.missed)
    states, pages = total("states"), total("pages")
    recoveries = [seconds for seen in rounds for seconds in seen.recoveries]
    waits = [seconds for seen in rounds for seconds in seen.waits]
    lines = [
        f"\n{len(rounds)} rounds, {faults.total()} faults, {states.total()} pairs ({dict(states)}),"
        f" {sum(seen.undone for seen in rounds)} of them undone in {sum(bool(seen.undone) for seen in rounds)} rounds,"
        f" {sum(len(seen.violations) for seen in rounds)} violations",
        f"duration of a round: median {statistics.median(seen.seconds for seen in rounds):.0f} s,"
        f" longest {max(seen.seconds for seen in rounds):.0f} s",
        f"faults: {dict(faults.most_common())}",
        f"faults without a target: {dict(missed.most_common())}",
        f"pairs that must fail: {dict(total('poisoned'))}; reasons of failed pairs: {dict(total('failures'))}",
        f"pages by status (0: the web server was down): {dict(sorted(pages.items()))}",
        f"refused locks of the other system: {dict(total('refusals'))};"
        f" deadlocks counted by PostgreSQL: {sum(seen.deadlocks for seen in rounds)}",
    ]
    if recoveries:
        lines.append(
            f"next pair after recovery: median {statistics.median(recoveries):.1f} s,"
            f" worst {max(recoveries):.1f} s, of {len(recoveries)}"
        )
    if waits:
        lines.append(
            f"writes of the other system: {len(waits)}, median {statistics.median(waits):.3f} s,"
            f" worst {max(waits):.1f} s"
        )
    return "\n".join(lines)


def types_not_seen(rounds: Sequence["Observations"]) -> list[tuple[str, str]]:
    """Return (data type, outcome) for each type with demo rows of which none was moved, or replaced by Overwrite.

    Rows of a Profile are merged instead.
    """
    from transfers.registry import data_types
    from transfers.rules import Profile

    seen = {key for one in rounds for key, rows in one.types.items() if rows}
    return [
        (entry.name, what)
        for entry in data_types()
        for what in (
            "merged" if isinstance(entry.rule, Profile) else "moved",
            *(["replaced"] if entry.overwrites else []),
        )
        if entry.demo_rows and (entry.key, what) not in seen
    ]


def save_logs(site: Ground) -> Path:
    kept = Path(tempfile.mkdtemp(prefix="chaos-logs-"))
    shutil.copytree(site.folder / "log", kept, dirs_exist_ok=True)
    return kept


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
