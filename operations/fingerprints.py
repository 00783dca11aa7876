"""Was the database made by these migrations? By what they say, because names stay when a file is edited in place.

`migrate` writes a fingerprint of each of the project's own migrations before it applies them; run, health and doctor
compare. Migrations that the code does not know are fine: a newer release may have added them. Django and other packages
go by the names of their migrations, as usual. Why so: docs/decisions/upgrades.md.
"""

import ast
import hashlib
import inspect
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.migrations.loader import MigrationLoader

from accounts.row_security import FINGERPRINTS

Key: TypeAlias = tuple[str, str]  # app label, name of the migration

OTHER_DATABASE = 3  # the exit code of `migrate` that says so
OUR_PACKAGES = ("accounts", "transfers", "operations", "user_import")
MAKE_TABLE = f"""
CREATE TABLE IF NOT EXISTS {FINGERPRINTS} (
    app varchar(255), name varchar(255), fingerprint varchar(64) NOT NULL, PRIMARY KEY (app, name)
)
"""
# An earlier `migrate` may have been broken off before it came to a migration that was edited since.
WRITE = f"""
INSERT INTO {FINGERPRINTS} (app, name, fingerprint) VALUES (%s, %s, %s)
ON CONFLICT (app, name) DO UPDATE SET fingerprint = excluded.fingerprint
"""  # noqa: S608  # nosec B608
READ = f"SELECT app, name, fingerprint FROM {FINGERPRINTS}"  # noqa: S608  # nosec B608


# --- What this code says ----------------------------------------------------------------------------------------------


def our_apps() -> set[str]:
    return {app.label for app in apps.get_app_configs() if app.name.partition(".")[0] in OUR_PACKAGES}


def of_code(loader: MigrationLoader) -> dict[Key, str]:
    """The fingerprint of each migration of ours."""
    ours = our_apps()
    return {
        key: of_file(Path(inspect.getfile(type(migration))))
        for key, migration in loader.disk_migrations.items()
        if key[0] in ours
    }


def of_file(file: Path) -> str:
    """Of what the file says, and of the .sql files that it names; comments, docstrings and layout do not count."""
    tree = ast.parse(file.read_bytes())
    named = [str(node.value) for node in ast.walk(tree) if is_text(node) and str(node.value).endswith(".sql")]
    parts = [repr(told(tree)), *(told_sql((file.parent / name).read_text("utf-8")) for name in named)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def told(node: Any) -> Any:
    """The syntax tree as plain lists. Not `ast.dump`, whose text differs between versions of Python."""
    if isinstance(node, list):
        return [told(part) for part in node if not is_docstring(part)]
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = sorted(ast.iter_fields(node))
    return [type(node).__name__, *([name, told(part)] for name, part in parts if part not in (None, []))]


def is_docstring(node: Any) -> bool:
    return isinstance(node, ast.Expr) and is_text(node.value)


def is_text(node: Any) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def told_sql(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("--"))


# --- What the database says -------------------------------------------------------------------------------------------


def others(connection: Any, loader: MigrationLoader | None = None) -> list[str]:
    """Our migrations that are not those of the database.

    Applied with another content, or before it was noted; or in an app of which only unknown migrations are applied.
    """
    loader = loader or MigrationLoader(connection)
    ours, known, applied = of_code(loader), stored(connection), set(loader.applied_migrations)
    strange = {app for app, _ in applied} - {app for app, _ in applied & set(ours)}
    return [
        ".".join(key)
        for key, fingerprint in sorted(ours.items())
        if key[0] in strange or (key in applied and known.get(key) != fingerprint)
    ]


def stored(connection: Any) -> dict[Key, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [FINGERPRINTS])
        if cursor.fetchone()[0] is None:
            return {}
        cursor.execute(READ)
        return {(app, name): fingerprint for app, name, fingerprint in cursor.fetchall()}


def write(connection: Any) -> None:
    """Of each migration that is to come, before it is applied: broken off at any moment, no applied one is without."""
    loader = MigrationLoader(connection)
    coming = {key: value for key, value in of_code(loader).items() if key not in loader.applied_migrations}
    if coming:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(MAKE_TABLE)
            cursor.executemany(WRITE, [(*key, fingerprint) for key, fingerprint in coming.items()])


# --- In words ---------------------------------------------------------------------------------------------------------


def what(found: list[str]) -> str:
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"was made by another version of this code, with another {found[0]}{more}"


def do() -> str:
    if settings.DEMO:
        return f"Move {settings.DATA_DIR} away, or remove it: the next start makes a new demo."
    return "Run the version that made it, or restore a backup of this version (docs/operations.md, Upgrade)."


def sentence(found: list[str]) -> str:
    return f"The database {what(found)}; nothing was changed. {do()}"
