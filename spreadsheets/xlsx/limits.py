"""Limits of a workbook and the exception for parts that no spreadsheet program would write.

A workbook of 200,000 rows and 10 columns, the most that is read from a CSV file, stays below all of them.
"""

MAX_MEMBERS = 5_000  # files in the zip file; a workbook with many pictures has some hundreds
MAX_PART = 200 * 1024 * 1024  # bytes of one part, counted while it is unpacked
MAX_UNPACKED = 2 * MAX_PART + MAX_PART // 2  # bytes of all parts; the sheet that is read is unpacked twice
MAX_TOKEN = 1024 * 1024  # bytes of one tag, comment or declaration, which the parser has to hold in memory
MAX_TAGS = 16_000_000  # start and end tags of a part
MAX_DEPTH = 100  # elements in each other; Excel's own are at most 10 deep
MAX_NAMES = 20_000  # different names, which the parser keeps, and declarations of namespaces
MAX_SHEETS = 255
MAX_STRINGS = 2_000_000  # shared strings
MAX_TEXT = 32 * 1024 * 1024  # characters of all shared strings
MAX_CELLS = 4_000_000  # cells, and gaps before cells that are further to the right
MAX_MERGED = 100_000  # ranges of merged cells
MAX_STYLES = 100_000  # cell formats; Excel writes at most 65,490
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384  # of a sheet


class Damaged(Exception):
    """The workbook contradicts its own format, or uses a feature that no spreadsheet program writes."""


class TooMuch(Exception):
    """The workbook is larger than the limits. The argument says what there is too much of."""
