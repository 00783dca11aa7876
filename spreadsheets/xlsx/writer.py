"""Writes a table as a workbook of at most one temporary file, in which no cell is a formula."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from spreadsheets.safe_cells import safe_cell
from spreadsheets.xlsx.limits import LAST_ROW

_STEP = 64 * 1024
_EXACT = 10**15  # spreadsheets keep 15 digits of a number
_WIDTH = 20
_PREFIX = "transfer-workbook-"  # of the temporary folders; the id of their process follows
_OPTIONS = {
    "constant_memory": True,  # rows are written to disk one by one
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_TEXT = {"num_format": 49}  # the built-in format "Text"
_HEADER = _TEXT | {"bold": True}


class TemporaryFilesFailed(OSError):
    """The workbook cannot be written, because the folder for temporary files is full or not writable."""


def write_xlsx(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, last_row: int = LAST_ROW
) -> Iterator[bytes]:
    """Return a workbook in chunks. It is complete in a temporary file before this function returns.

    The cells have the same text as in `write_csv`, so that a file can be read whether it was saved as a workbook or as
    CSV. Whole numbers of up to 15 digits are numbers, everything else is text. All cells are formatted as text, also
    empty ones, so that a spreadsheet keeps what is entered into them. A table too long for a sheet goes on in another.
    Raises TemporaryFilesFailed if the temporary files cannot be written.
    """
    with temporary_folder() as folder:
        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed after the last chunk)
        output = _Output(file)
        try:
            _fill(output, folder, header, rows, last_row)
        except BaseException:
            output.give_up()
            raise
    return _chunks(file)


class _Output:
    """A file that can be given up: its archive, which writes to it once more when it is deleted, then finds memory.

    Otherwise Python would print a traceback that nobody can catch.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)

    def give_up(self) -> None:
        with contextlib.suppress(OSError):  # what could not be written cannot be flushed either
            self.file.close()
        self.file = BytesIO()


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_STEP):
            yield chunk


def _fill(
    file: _Output, folder: str, header: Sequence[str], rows: Iterable[Sequence[object]], last_row: int
) -> None:
    with xlsxwriter.Workbook(file, {**_OPTIONS, "tmpdir": folder}) as book:
        text, bold = book.add_format(_TEXT), book.add_format(_HEADER)
        sheet, number = _new_sheet(book, header, text, bold), 0
        for row in rows:
            number += 1
            if number == last_row:
                _finish(sheet, number - 1, header)
                sheet, number = _new_sheet(book, header, text, bold), 1
            for column, value in enumerate(row):
                _write(sheet, number, column, value, text)
        _finish(sheet, number, header)


def _new_sheet(book: xlsxwriter.Workbook, header: Sequence[str], text: Format, bold: Format) -> Worksheet:
    sheet = book.add_worksheet()
    sheet.set_column(0, len(header) - 1, _WIDTH, text)
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(header):
        sheet.write_string(0, column, name, bold)
    return sheet


def _finish(sheet: Worksheet, rows: int, header: Sequence[str]) -> None:
    sheet.autofilter(0, 0, rows, len(header) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{LAST_ROW}"})


def _write(sheet: Worksheet, row: int, column: int, value: object, text: Format) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and -_EXACT < value < _EXACT:
        sheet.write_number(row, column, value, text)
        return
    shown = "" if value is None else safe_cell(str(value))
    if not shown:
        sheet.write_blank(row, column, None, text)
        return
    if not shown.isascii():  # a lone surrogate cannot be encoded
        shown = shown.encode("utf-8", "replace").decode()
    sheet.write_string(row, column, shown, text)


# --- Temporary files --------------------------------------------------------------------------------------------------


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
    # Not gettempdir(), which fails too if no folder can be written.
    return TemporaryFilesFailed(error.errno, error.strerror, tempfile.tempdir or "any temporary folder")


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
