"""The releases whose databases must still be there after an upgrade; nothing is released yet.

Each has a dump in tests/upgrade/releases/ and is named in RELEASED. To freeze one, run on its commit

    FREEZE=0.1.0 python -m pytest tests/upgrade -m slow

which keeps the dump it makes, and name it here; a test asks for that as soon as the CHANGELOG has its heading. Until
then the first migrations may still be edited in place. From then on migrations are only added.
"""

from pathlib import Path

OURS = ("accounts", "transfers", "quality", "workforce", "operations", "user_import")
RELEASED: tuple[str, ...] = ()

FOLDER = Path(__file__).parent / "releases"

# What an upgrade changes on purpose: "table.column" -> why. Everything else that was there is still there, as it was.
CHANGED: dict[str, str] = {}
