"""Write the app as a whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.core.management.base import CommandError


def write_app(target: Path, files: Mapping[str, str]) -> None:
    """Write the files to a folder beside the target, and rename that. Raises CommandError if the target exists."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise CommandError(f"No folder can be made in {target.parent}: {error.strerror}.") from error
    try:
        for name, content in files.items():
            (made / name).write_text(content, encoding="utf-8")
        made.chmod(0o755)
        if target.exists():
            raise CommandError(f"{target} exists meanwhile. Nothing was written.")
        os.rename(made, target)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}. Nothing was written.") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
