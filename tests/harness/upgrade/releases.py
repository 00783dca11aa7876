"""The releases from which an upgrade must preserve all data; none so far.

Each has a dump in tests/harness/upgrade/releases/ and is listed in RELEASED. To freeze one, run on its commit

    FREEZE=0.1.0 python -m pytest tests/harness/upgrade -m slow

which stores the dump, and add it here; a test requires that once the CHANGELOG has its heading. Until then the first
migrations may be edited in place; afterwards migrations are only added.
"""

from pathlib import Path

OURS = ("tenancy", "audit", "accounts", "transfers", "quality", "workforce", "operations", "user_import")
RELEASED: tuple[str, ...] = ()

FOLDER = Path(__file__).parent / "releases"

# Intended changes of upgrades: "table.column" -> reason. All other data must stay unchanged.
CHANGED: dict[str, str] = {}
