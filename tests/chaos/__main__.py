"""The long run: `python -m tests.chaos --rounds 100 --seed 7`. Ends with 1 when anything was not as it must be."""

import argparse
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

import django

from tests.chaos.ground import Ground, ground


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse(arguments)
    with ground() as site:
        django.setup()
        say(f"Making {options.users} people with records …")
        site.make_template(options.users, options.scale, seed=1)
        if not site.small_disk:
            say("No file system may be mounted here, so no disk can be full: that fault does nothing.")
        site.start_programs()
        return run(site, options)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="number of the first round, to repeat one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--users", type=int, default=460)
    parser.add_argument("--scale", type=float, default=0.2, help="rows of each person, as in seed_demo")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--faults", nargs="*", default=[], help="only these")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="begin no round after so long")
    parser.add_argument("--patience", type=float, default=60, help="the longest outage, in seconds")
    return parser.parse_args(arguments)


def run(site: Ground, options: argparse.Namespace) -> int:
    from tests.chaos.round import Round, Seen, drawn_plan

    end = time.monotonic() + options.minutes * 60
    rounds: list[Seen] = []
    for number in range(options.first, options.first + options.rounds):
        if time.monotonic() > end:
            break
        draw = Random(f"{options.seed} {number}")
        plan = drawn_plan(draw, options.pairs, options.faults, options.patience)
        seen = Round(site, plan, draw).run()
        rounds.append(seen)
        say(line(number, plan, seen))
        if seen.violations:
            say(
                "".join(f"    {sentence[:600]}\n" for sentence in seen.violations[:8])
                + f"    logs: {keep(site)}"
            )
    say(summary(rounds))
    return 1 if any(seen.violations for seen in rounds) else 0


def line(number: int, plan: object, seen: object) -> str:
    from tests.chaos.round import Plan, Seen

    assert isinstance(plan, Plan)
    assert isinstance(seen, Seen)
    verdict = f"{len(seen.violations)} VIOLATIONS" if seen.violations else "ok"
    states = ", ".join(f"{n} {state}" for state, n in sorted(seen.states.items()))
    extras = [*(f"a pair that {kind}" for kind in plan.poison), *(["locks"] if plan.locks else [])]
    recovery = f"; next pair after {max(seen.recoveries):.1f} s at most" if seen.recoveries else ""
    failures = f" {dict(seen.failures)}" if seen.failures else ""
    return (
        f"round {number:>3} {verdict} in {seen.seconds:.0f} s: {states}{failures}; "
        f"{', '.join([*seen.faults, *extras])}{recovery}; pages {dict(sorted(seen.pages.items()))}"
    )


def summary(rounds: Sequence[object]) -> str:
    from tests.chaos.round import Seen

    seen = [one for one in rounds if isinstance(one, Seen)]
    faults = Counter(name for one in seen for name in one.faults)
    states: Counter[str] = sum((one.states for one in seen), Counter())
    pages: Counter[int] = sum((one.pages for one in seen), Counter())
    failures: Counter[str] = sum((one.failures for one in seen), Counter())
    recoveries = [seconds for one in seen for seconds in one.recoveries]
    waits = [seconds for one in seen for seconds in one.waits]
    lines = [
        f"\n{len(seen)} rounds, {faults.total()} faults, {states.total()} pairs ({dict(states)}),"
        f" {sum(len(one.violations) for one in seen)} violations",
        f"faults: {dict(faults.most_common())}",
        f"why pairs failed: {dict(failures)}",
        f"pages by status (0: the web server was down): {dict(sorted(pages.items()))}",
    ]
    if recoveries:
        lines.append(
            f"next pair once all was there again: median {statistics.median(recoveries):.1f} s,"
            f" worst {max(recoveries):.1f} s, of {len(recoveries)}"
        )
    if waits:
        lines.append(
            f"another system's writes: median {statistics.median(waits):.3f} s, worst {max(waits):.1f} s"
        )
    return "\n".join(lines)


def keep(site: Ground) -> Path:
    kept = Path(tempfile.mkdtemp(prefix="chaos-logs-"))
    shutil.copytree(site.folder / "log", kept, dirs_exist_ok=True)
    return kept


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
