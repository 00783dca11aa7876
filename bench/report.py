"""The table that the benchmark prints, and the performance targets with their results."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from bench.sizes import LARGE

ONE, TWO, CAREFUL = "ours, one worker", "ours, two workers", "careful expert"
# (one worker, two workers): the seconds, at most, in multiples of the careful expert's
AT_MOST = {"few": (1.4, 0.9), "realistic": (1.2, 0.75)}
MILLIONS = (1.1, 0.65)  # in the race `realistic` of the large sizes, which has 2.7 million rows
Found = dict[str, Any]


class Target(NamedTuple):
    """A performance target: `value` must be at most `limit`, or at least `limit` if `at_least` is set."""

    name: str
    value: float
    limit: float
    unit: str = "×"
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def to_json(self) -> Found:
        kind = "at least" if self.at_least else "at most"
        return {
            "name": self.name,
            "value": round(self.value, 3),
            kind: self.limit,
            "unit": self.unit,
            "met": self.met,
        }


def check_targets(found: Found) -> list[Found]:
    """Return the targets of the measured parts with their results, in the format of results.json."""
    return [
        target.to_json() for part in (races, by_external_id, shapes, undos, pages) for target in part(found)
    ]


def races(found: Found) -> Iterator[Target]:
    for part, words in (("few", "few rows"), ("realistic", "realistic rows")):
        if part in found:
            one, two = MILLIONS if part == "realistic" and found["sizes"] == LARGE.name else AT_MOST[part]
            yield Target(f"one worker / careful expert, {words}", times(found[part], ONE, CAREFUL), one)
            yield Target(f"two workers / careful expert, {words}", times(found[part], TWO, CAREFUL), two)
    if "empty" in found:
        yield Target("one worker / script, no rows", times(found["empty"], ONE, "script"), 6)
    if "few" in found:
        yield Target("upload to preview, few rows", found["few"]["upload_seconds"], 0.5, "s")
        yield Target("confirmation, few rows", found["few"]["confirm_seconds"], 0.5, "s")
        for name, limit in (("pair by pair", 2), ("ORM", 20)):
            yield Target(
                f"{name} / one worker, few rows", times(found["few"], name, ONE), limit, at_least=True
            )


def by_external_id(found: Found) -> Iterator[Target]:
    if "external" in found:
        ratio = times(found["external"], "by external ID", "by ID")
        yield Target("owners by external ID / owners by ID", ratio, 1.1)


def times(piece: Found, one: str, other: str) -> float:
    return float(piece["contestants"][one]["seconds"] / piece["contestants"][other]["seconds"])


def shapes(found: Found) -> Iterator[Target]:
    for part, words in (("rows", "twice the rows"), ("pairs", "twice the pairs, no rows")):
        if part in found:
            yield Target(f"time for {words}", max(found[part]["ratios"]), 2.2)
    for name, piece in found.get("clashes", {}).items():
        yield Target(f"one pair, clashing rows {name}: preview", piece["preview_seconds"], 1, "s")
        yield Target(f"one pair, clashing rows {name}: run", piece["contestants"][ONE]["seconds"], 1, "s")
    if "one" in found:
        yield Target("worker memory, heavy - light user", found["one"]["grown_mb"], 50, "MB")


def undos(found: Found) -> Iterator[Target]:
    for name, piece in found.get("undo", {}).items():
        yield Target(f"undo / transfer, {name} rows", piece["times_transfer"], 1.5)


def pages(found: Found) -> Iterator[Target]:
    if "counting" in found:
        counting = found["counting"]
        seconds = counting["upload_seconds"] + counting["count_seconds"]
        yield Target("upload to numbers, realistic rows", seconds, 5, "s")
        yield Target("opening the confirmation, realistic rows", counting["window_seconds"], 1, "s")
    if "files" in found:
        upload = found["files"]["upload"]
        yield Target("people.csv upload", upload["seconds"], 2, "s")
        yield Target(
            "extra queries for ten times the file", upload["queries"] - upload["queries_of_a_tenth"], 0, ""
        )
        yield Target("people.csv export", found["files"]["export"]["seconds"], 3, "s")
        yield Target("people.csv export, memory growth", found["files"]["export"]["grown_mb"], 50, "MB")
    if "picker" in found:
        yield Target("picker, p95", found["picker"]["p95_ms"], 50, "ms")


def table(found: Found) -> str:
    lines = [*heading(found), ""]
    for part in ("few", "realistic", "empty"):
        if part in found:
            lines += [*race_lines(found[part]), ""]
    for piece in found.get("clashes", {}).values():
        lines += [*race_lines(piece), ""]
    for part in ("rows", "pairs"):
        if part in found:
            lines += [*series_lines(part, found[part]), ""]
    return "\n".join([*lines, *target_lines(found["targets"])])


def heading(found: Found) -> Iterator[str]:
    machine, versions = found["machine"], found["versions"]
    yield (
        f"{found['sizes']}: {machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB,"
        f" PostgreSQL {versions['postgresql']}, Python {versions['python']}, {found['data_types']} data types"
    )
    yield (
        f"load before {found['load_before']:.1f} and after {found['load_after']:.1f};"
        f" {found['seconds']} s; medians; spread = (slowest - fastest) / median"
    )


def race_lines(piece: Found) -> Iterator[str]:
    yield (
        f"{piece['pairs']:,} pairs, {piece['rows']:,} rows, {piece['rows_changed']:,} changed (before it: upload"
        f" {piece['upload_seconds']} s, all counts {piece['preview_seconds']} s, confirmation"
        f" {piece['confirm_seconds']} s)"
    )
    for name, result in piece["contestants"].items():
        seconds, by = result["seconds"], result.get("extrapolated_by")
        note = f"  extrapolated × {by:g}" if by else ""
        speed = f"{piece['rows_changed'] / seconds:>10,.0f} rows/s" if piece["rows_changed"] else " " * 17
        ratios = f"{result['times_script']:>8.2f} × script{result['times_careful']:>8.2f} × careful"
        cpu = f"{result['cpu_seconds']:>9.2f} s CPU"
        yield f"  {name:<20}{seconds:>9.2f} s{ratios}{speed}{cpu}   spread {result['spread']:.0%}{note}"


def series_lines(part: str, piece: Found) -> Iterator[str]:
    yield f"twice the {part}: " + ", ".join(f"× {ratio:.2f}" for ratio in piece["ratios"])
    for step in piece["steps"]:
        yield f"  {step['pairs']:>6,} pairs {step['rows']:>10,} rows {step[ONE]['seconds']:>8.2f} s"


def target_lines(targets: list[Found]) -> Iterator[str]:
    for target in targets:
        kind = "at least" if "at least" in target else "at most"
        wanted = f"{kind} {target[kind]:g} {target['unit']}"
        value = f"{target['value']:.2f} {target['unit']}"
        yield f"{'met   ' if target['met'] else 'MISSED'}  {target['name']:<48}{value:>14}   {wanted}"
