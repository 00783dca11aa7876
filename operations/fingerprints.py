"""Detects a database created by migrations with the same names as those in the code, but with different content.

`migrate` stores a fingerprint of each of the project's own migrations before it applies them. Later, `migrate` (and so
`make run`), the health checks and `doctor` compare the stored fingerprints with those of the code. Migrations unknown
to the code are accepted, because a newer release may have added them. Migrations of Django and other packages are
compared only by name, as Django does. The reasons are in docs/decisions/upgrades.md.
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

from tenancy.policies import FINGERPRINTS

Key: TypeAlias = tuple[str, str]  # app label, name of the migration

OTHER_DATABASE = 3  # exit code of `migrate` for a mismatch
OUR_PACKAGES = ("accounts", "audit", "operations", "records", "tenancy", "transfers")
MAKE_TABLE = f"""
CREATE TABLE IF NOT EXISTS {FINGERPRINTS} (
    app varchar(255), name varchar(255), fingerprint varchar(64) NOT NULL, PRIMARY KEY (app, name)
)
"""
# Overwrites a fingerprint stored by a `migrate` that was interrupted before it applied the migration, which may have
# been edited since.
WRITE = f"""
INSERT INTO {FINGERPRINTS} (app, name, fingerprint) VALUES (%s, %s, %s)
ON CONFLICT (app, name) DO UPDATE SET fingerprint = excluded.fingerprint
"""  # noqa: S608  # nosec B608
READ = f"SELECT app, name, fingerprint FROM {FINGERPRINTS}"  # noqa: S608  # nosec B608


# --- In the code ---------------------------------------------------------------------------------------------------


def our_apps() -> set[str]:
    return {app.label for app in apps.get_app_configs() if app.name.partition(".")[0] in OUR_PACKAGES}


def of_code(loader: MigrationLoader) -> dict[Key, str]:
    """Return the fingerprints of the project's own migrations."""
    ours = our_apps()
    return {
        key: of_file(Path(inspect.getfile(type(migration))))
        for key, migration in loader.disk_migrations.items()
        if key[0] in ours
    }


def of_file(file: Path) -> str:
    """Return the fingerprint of a migration and the .sql files it names, ignoring comments and layout."""
    tree = ast.parse(file.read_bytes())
    named = [str(node.value) for node in ast.walk(tree) if is_text(node) and str(node.value).endswith(".sql")]
    parts = [
        repr(normalized(tree)),
        *(normalized_sql((file.parent / name).read_text("utf-8")) for name in named),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def normalized(node: Any) -> Any:
    """Return the syntax tree as plain lists, because the text of `ast.dump` differs between versions of Python."""
    if isinstance(node, list):
        return [normalized(part) for part in node if not is_docstring(part)]
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = sorted(ast.iter_fields(node))
    return [
        type(node).__name__,
        *([name, normalized(part)] for name, part in parts if part not in (None, [])),
    ]


def is_docstring(node: Any) -> bool:
    return isinstance(node, ast.Expr) and is_text(node.value)


def is_text(node: Any) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def normalized_sql(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("--"))


# --- In the database -------------------------------------------------------------------------------------------------


def mismatches(connection: Any, loader: MigrationLoader | None = None) -> list[str]:
    """Return the names of the project's migrations that do not match those applied to the database.

    Such a migration was applied with different content or before fingerprints existed, or belongs to an app whose
    applied migrations are all unknown to this code.
    """
    loader = loader or MigrationLoader(connection)
    ours, known, applied = of_code(loader), stored(connection), set(loader.applied_migrations)
    unknown_apps = {app for app, _ in applied} - {app for app, _ in applied & set(ours)}
    return [
        ".".join(key)
        for key, fingerprint in sorted(ours.items())
        if key[0] in unknown_apps or (key in applied and known.get(key) != fingerprint)
    ]


def stored(connection: Any) -> dict[Key, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [FINGERPRINTS])
        if cursor.fetchone()[0] is None:
            return {}
        cursor.execute(READ)
        return {(app, name): fingerprint for app, name, fingerprint in cursor.fetchall()}


def write(connection: Any) -> None:
    """Store the fingerprints of pending migrations.

    `migrate` calls this before it applies them, so that no migration is applied without a fingerprint, even if
    `migrate` is interrupted.
    """
    loader = MigrationLoader(connection)
    pending = {key: value for key, value in of_code(loader).items() if key not in loader.applied_migrations}
    if pending:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(MAKE_TABLE)
            cursor.executemany(WRITE, [(*key, fingerprint) for key, fingerprint in pending.items()])


# --- Messages --------------------------------------------------------------------------------------------------------


def description(found: list[str]) -> str:
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return (
        f"was created by another version of this code, with different content in migration {found[0]}{more}"
    )


def remedy() -> str:
    if settings.DEMO:
        return f"Move or remove {settings.DATA_DIR}: the next start creates a new demo."
    return (
        "Run the version that created the database, or restore a backup made by this version (docs/operations.md,"
        " Upgrade)."
    )


def refusal(found: list[str]) -> str:
    return f"The database {description(found)}. Nothing was changed. {remedy()}"
