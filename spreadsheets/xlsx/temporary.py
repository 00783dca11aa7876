"""The temporary folder of a workbook that is being written, and the error when it cannot be used."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from xlsxwriter.exceptions import FileCreateError

_PREFIX = "transfer-workbook-"


class TemporaryFilesFailed(OSError):
    """The workbook cannot be written, because the folder for temporary files is full or not writable."""


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """Yield a folder that is removed at the end. Raises TemporaryFilesFailed if it cannot be written."""
    try:
        _remove_abandoned()
        with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as folder:
            yield folder
    except FileCreateError as error:
        raise _failed(error.args[0]) from error
    except OSError as error:
        raise _failed(error) from error


def _failed(error: OSError) -> TemporaryFilesFailed:
    return TemporaryFilesFailed(error.errno, error.strerror, tempfile.gettempdir())


def _remove_abandoned() -> None:
    """Remove the folders of processes that were killed. They hold the names of users."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        process = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdecimal() and not _is_running(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
