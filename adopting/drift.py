"""What has changed in the database since the app was written, with the lines to add. Nothing is changed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from adopting.proposing.plan import Plan, Proposal
from adopting.snapshot import SNAPSHOT, Snapshot, as_json, snapshot_of
from adopting.writing.datatypes import DataTypesFile, imported
from adopting.writing.models import ARRAYS, field, key_columns, model
from adopting.writing.naming import Names
from wording.display_text import visible

KINDS = ("columns", "keys", "foreign keys", "triggers", "rules", "policies")


def drift_of(plan: Plan, target: Path, app: str, out: Any, *, seen: bool) -> None:
    """Print the drift. `seen`: compare with the database of today from now on."""
    before, now = read_snapshot(target), snapshot_of(plan)
    lines = [*differences(before, now)]
    names = Names(app, plan)
    added = [*lines_for_models(plan, names, before), *lines_for_datatypes(plan, names, before)]
    if seen:
        (target / SNAPSHOT).write_text(as_json(now), encoding="utf-8")
        out.write(f"{target / SNAPSHOT} describes the database of today. No other file was changed.")
        return
    if not lines:
        out.write(
            f"{target} is there, and the database is as it was when it was written. Nothing was changed."
        )
        return
    out.write(
        "\n".join(
            [f"{target} is there and was not changed. Since it was written:", *map(visible, lines), *added]
        )
    )
    out.write("\nAfter adding these lines, run the same command with --seen.")


def read_snapshot(target: Path) -> Snapshot:
    try:
        found: Snapshot = json.loads((target / SNAPSHOT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{target} is there, but {SNAPSHOT} in it cannot be read ({error}), so it was not written by this command."
            " Nothing was changed. Choose another name: --app"
        ) from error
    return found


def differences(before: Snapshot, now: Snapshot) -> Iterator[str]:
    for path in sorted({*before, *now}):
        if path not in now:
            yield f"  gone     {path}: remove its model and its data type"
        elif path not in before:
            yield f"  new      {path}"
        else:
            for kind in KINDS:
                yield from of_kind(path, kind, as_dict(before[path][kind]), as_dict(now[path][kind]))
            for column in sorted({*now[path]["people"]} - {*before[path]["people"]}):
                if column in before[path]["columns"]:
                    yield f"  changed  {path}.{column}: people stand in it now"


def as_dict(found: Any) -> dict[str, str]:
    return found if isinstance(found, dict) else dict.fromkeys(found, "")


def of_kind(path: str, kind: str, before: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    one = {"policies": "policy"}.get(kind, kind.removesuffix("s"))
    remedy = ": remove its field from models.py and its lines from datatypes.py" if kind == "columns" else ""
    for name in sorted({*before, *now}):
        if name not in now:
            yield f"  gone     {path}: {one} {name} {before[name]}".rstrip() + remedy
        elif name not in before:
            yield f"  new      {path}: {one} {name} {now[name]}".rstrip()
        elif before[name] != now[name]:
            yield f"  changed  {path}: {one} {name} from {before[name]} to {now[name]}"


# --- Lines to add ----------------------------------------------------------------------------------------------------


def lines_for_models(plan: Plan, names: Names, before: Snapshot) -> Iterator[str]:
    lines: list[str] = []
    for table in plan.database.tables.values():
        old = before.get(table.path)
        if old is None:
            lines += ["", *model(table, names)]
        elif new := [column for column in table.columns.values() if column.name not in old["columns"]]:
            lines += ["", f"class {names.of_class(table.oid)}:  # add"]
            lines += [line for column in new for line in field(table, column, names, key_columns(table))]
    if lines:
        yield "\nAdd to models.py:"
        yield from [ARRAYS] if "ArrayField(" in "".join(lines) else []
        yield from lines


def lines_for_datatypes(plan: Plan, names: Names, before: Snapshot) -> Iterator[str]:
    file = DataTypesFile(plan, names)
    types, owners, stays = [], [], []
    for proposal in plan.proposals.values():
        if not is_declared(proposal, before):
            types += [*file.remarks(proposal), file.data_type(proposal).text(4, after=",")]
        else:
            old = set(before[proposal.table.path]["people"])
            new = [
                owner for stand in proposal.owners if stand.column not in old for owner in file.owner(stand)
            ]
            if new:
                owners += [
                    f"    # to the owners of {proposal.table.path}, or to NOT_TRANSFERRED with the reason:"
                ]
                owners += [one if isinstance(one, str) else one.text(4, after=",") for one in new]
    asked: set[int] = set()
    for kept in plan.kept:
        path, stand = plan.database.tables[kept.stand.oid].path, kept.stand
        if path not in before or stand.column not in before[path]["people"]:
            if kept.columns and stand.oid not in asked:  # the first of the new ones asks
                kept = replace(kept, columns=(stand.column, *(c for c in kept.columns if c != stand.column)))
                asked.add(stand.oid)
            stays.append(file.entry(kept))
    if types or owners or stays:
        used = sorted(file.used if types else file.used - {"DataType"})
        questions = ["undecided"] if "undecided(" in "".join([*types, *stays]) else []
        yield "\nIn datatypes.py, import what is missing of:"
        for module, listed in (("adopting.questions", questions), ("transfers.rules", used)):
            yield from imported(module, listed) if listed else []
    for title, lines in (("DATA_TYPES", types), ("the owners", owners), ("NOT_TRANSFERRED", stays)):
        if lines:
            yield f"\nAdd to {title} in datatypes.py:"
            yield from lines


def is_declared(proposal: Proposal, before: Snapshot) -> bool:
    """Return whether the table had an owner, which may be gone, and so has a data type. Others only had notes."""
    old = before.get(proposal.table.path, {"people": []})["people"]
    return any(column in proposal.columns or column not in proposal.table.columns for column in old)
