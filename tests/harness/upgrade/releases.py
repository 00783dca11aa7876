"""The releases whose data an upgrade must preserve. There are none so far.

Each release is listed in RELEASED and "frozen" as a dump in tests/harness/upgrade/releases/. To freeze one, check out
its commit, store the dump with

    FREEZE=0.1.0 python -m pytest tests/harness/upgrade -m slow

and add the version to RELEASED. A test fails until this is done for every release in CHANGELOG.md. Before the first
release, the first migrations may be edited in place. Afterwards, migrations are only added.
"""

from pathlib import Path

OURS = ("tenancy", "audit", "accounts", "transfers", "quality", "workforce", "operations", "user_import")
RELEASED: tuple[str, ...] = ()

FOLDER = Path(__file__).parent / "releases"

# The data that upgrades change on purpose: "table.column" -> reason. All other data must stay unchanged.
CHANGED: dict[str, str] = {}
