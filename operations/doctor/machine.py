"""This machine: room on the disk, and whether what has to be written can be."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from operations.doctor.findings import Finding, look, ok, wrong

LITTLE = 1024**3


def findings() -> Iterator[Finding]:
    folder = Path(settings.DATA_DIR)
    yield room(folder)
    yield static_files()


def room(folder: Path) -> Finding:
    """DATA_DIR, or the nearest folder above it that exists."""
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not os.access(existing, os.W_OK):
        do = "The clock keeps its schedule there. Make it writable, or name another folder with DATA_DIR."
        return wrong("DATA_DIR", f"{folder} cannot be written.", do)
    free = shutil.disk_usage(existing).free
    if free < LITTLE:
        return wrong(
            "disk", f"{free // 1024**2} MB are free in {folder}.", "Make room: logs and mails lie there."
        )
    return ok("disk", f"{free / 1024**3:.0f} GB are free in {folder}.{as_root()}")


def as_root() -> str:
    """Root may write everywhere, whoever the site runs as."""
    return (
        " Whether the site may write there, only doctor as the site's own user can say."
        if os.geteuid() == 0
        else ""
    )


def static_files() -> Finding:
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if settings.HASHED_STATIC and not manifest.exists():
        do = "Run manage.py collectstatic --noinput after each upgrade, on each web server."
        return look("static files", "were not collected; pages on this machine would have no styles.", do)
    return ok("static files", "are collected.")
