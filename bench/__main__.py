"""Run the benchmark, print a table, and write the figures as JSON.

`python -m bench [--large|--smoke] [--only few,realistic,…] [--output …]`. A run of all parts writes bench/results.json,
or bench/results-large.json if the sizes are large. Other runs write only to `--output`, so that they do not replace
published figures.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from bench import sizes
from bench.server import Server, server

FOLDER = Path(__file__).parent
RESULTS = {sizes.BENCH: FOLDER / "results.json", sizes.LARGE: FOLDER / "results-large.json"}
PARTS = (
    "few",
    "external",
    "empty",
    "realistic",
    "rows",
    "pairs",
    "one",
    "clashes",
    "undo",
    "counting",
    "files",
    "picker",
)


def main() -> None:
    options = arguments()
    size = sizes.LARGE if options.large else sizes.SMOKE if options.smoke else sizes.BENCH
    with server() as running:
        import django

        django.setup()
        from tenancy import context

        # The data is created with access to all tenants. The measured workers and the picker run with tenant isolation.
        context.outside = context.ALL_TENANTS
        is_whole = options.only == ",".join(PARTS)
        output = options.output or (RESULTS.get(size) if is_whole else None)
        measure_all(running, size, options.only.split(","), output)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--large", action="store_true", help="large sizes; takes most of an hour")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, to test the benchmark itself")
    parser.add_argument("--only", default=",".join(PARTS), help=f"run some of {','.join(PARTS)}")
    parser.add_argument("--output", type=Path, help="path of the JSON file")
    return parser.parse_args()


def measure_all(running: Server, size: sizes.Sizes, only: list[str], output: Path | None) -> None:
    from bench import machine, measures, report
    from bench.suite import Suite

    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    found = machine.describe(running) | {"sizes": size.name, "load_before": os.getloadavg()[0]}
    suite = Suite(running, size, say)
    for part in [part for part in PARTS if part in only]:
        found[part] = getattr(suite, part)()
        found |= {"load_after": os.getloadavg()[0], "seconds": round(time.monotonic() - began)}
        found["targets"] = report.check_targets(found)
        if output:  # after each part, so that Ctrl-C loses only the current one
            output.write_text(measures.dump(found))
    print(report.table(found))
    if output:
        print(f"\nWritten to {output}")


if __name__ == "__main__":
    main()
