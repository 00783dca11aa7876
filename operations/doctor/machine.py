"""Checks of this machine: disk space, write access, static files."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning

MIN_FREE_BYTES = 1024**3


def findings() -> Iterator[CheckMessage]:
    yield disk(Path(settings.DATA_DIR))
    yield static_files()


def disk(folder: Path) -> CheckMessage:
    """Check that DATA_DIR, or its nearest ancestor that exists, is writable and has free space."""
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not os.access(existing, os.W_OK):
        return Error(
            f"DATA_DIR {folder} is not writable.",
            hint="Celery beat stores its schedule there. Make it writable, or set DATA_DIR to another directory.",
            id="doctor.data_dir",
        )
    free = shutil.disk_usage(existing).free
    if free < MIN_FREE_BYTES:
        return Error(
            f"Only {free // 1024**2} MB are free in {folder}.",
            hint="Free some space: logs and emails are stored there.",
            id="doctor.disk",
        )
    # Root may write everywhere, so the check above says nothing about the site's own account.
    as_root = " Run doctor as the site's user to check write access." if os.geteuid() == 0 else ""
    return Info(f"{free / 1024**3:.0f} GB are free in {folder}.{as_root}", id="doctor.disk")


def static_files() -> CheckMessage:
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if settings.HASHED_STATIC and not manifest.exists():
        return Warning(
            "Static files have not been collected; pages served by this machine would have no styles.",
            hint="Run manage.py collectstatic --noinput on each web server after each upgrade.",
            id="doctor.static_files",
        )
    return Info("Static files are collected.", id="doctor.static_files")
