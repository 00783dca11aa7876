"""The releases whose databases must still be there after an upgrade.

Each has a dump in tests/upgrade/releases/ and is named in RELEASED with the last migration of every app. Before the
first release there is none: then the tests make the same dump anew, from the migrations of FIRST, and nothing has to
be frozen while these may still be edited. To freeze one, run on the commit of the release

    FREEZE=1.0.0 python -m pytest tests/upgrade -m slow

which keeps the dump it makes, and name it here. From then on migrations are only added.
"""

from pathlib import Path

FIRST = {
    "accounts": "0001_first",
    "transfers": "0001_first",
    "quality": "0001_first",
    "workforce": "0001_first",
    "operations": "0001_first",
    "user_import": "0001_first",
}
RELEASED: dict[str, dict[str, str]] = {}

FOLDER = Path(__file__).parent / "releases"

# What an upgrade changes on purpose: "table.column" -> why. Everything else that was there is still there, as it was.
CHANGED: dict[str, str] = {}
