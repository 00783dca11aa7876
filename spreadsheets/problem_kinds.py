"""Problems with the file itself, independent of what its rows mean: type, encoding, header and quoting.

`{name}`, `{typed}`, `{choose}`, `{start_again}` and `{keep_header}` come from the `FileKind`.
"""

from collections.abc import Sequence

from wording.problems import Kind, Problem, Severity

REJECT, ERROR, WARNING, NOTE = Severity.REJECT, Severity.ERROR, Severity.WARNING, Severity.NOTE

_SAVE_AGAIN = "Open it in Excel or LibreOffice, save it as .xlsx or as CSV UTF-8, then upload that file."
_QUOTES = "Correct the quotation marks in row {row}, save the file as CSV UTF-8 again, then upload it."

# --- The file is rejected --------------------------------------------------------------------------------------------

NO_FILE = Kind("no-file", REJECT, "No file was chosen.", "{choose}")
EMPTY_FILE = Kind("empty-file", REJECT, "This file is empty.", "{start_again}")
TOO_LARGE = Kind(
    "file-too-large",
    REJECT,
    "The file is larger than {limit} MB.",
    "{name} is normally far smaller – did you choose the wrong file? {choose}",
)
TOO_MANY_LINES = Kind(
    "too-many-lines",
    REJECT,
    "There are more than {limit:,} lines; reading stopped there.",
    "Delete the rows you do not need or split the file, then upload it again.",
)
OLD_EXCEL = Kind(
    "old-excel-workbook", REJECT, "This is an Excel workbook in the old .xls format.", _SAVE_AGAIN
)
BINARY_WORKBOOK = Kind(
    "binary-workbook", REJECT, "This is an Excel workbook in the binary .xlsb format.", _SAVE_AGAIN
)
WORKBOOK_WITH_PASSWORD = Kind(
    "workbook-with-password",
    REJECT,
    "This workbook is protected with a password.",
    "In Excel remove it under File → Info → Protect Workbook, save the file, then upload it.",
)
WORKBOOK_DAMAGED = Kind(
    "damaged-workbook", REJECT, "The workbook is damaged; it may have been cut off.", _SAVE_AGAIN
)
WORKBOOK_TOO_LARGE = Kind(
    "workbook-too-large",
    REJECT,
    "The workbook has more {what} than can be read.",
    "Copy the columns that are needed into a new workbook, save it as .xlsx or as CSV UTF-8, then upload that file.",
)
SEVERAL_SHEETS = Kind(
    "several-sheets",
    REJECT,
    "More than one sheet has the columns that are read: {sheets}.",
    "Delete or hide all of them but one, then upload the file again.",
)
ARCHIVE = Kind(
    "archive",
    REJECT,
    "This is {what}, not a CSV file or an Excel workbook.",
    "Extract the file from it, then upload only that file.",
)
OTHER_TYPE = Kind(
    "other-file-type", REJECT, "This is {what}, not a CSV file or an Excel workbook.", "{choose}"
)
OTHER_PROGRAM = Kind(
    "other-file-type",
    REJECT,
    "This is {what}, not a CSV file or an Excel workbook.",
    "{way} Then upload that file.",
)
WEB_PAGE = Kind(
    "web-page",
    REJECT,
    "This is a web page, not a CSV file or an Excel workbook.",
    "Your browser may have saved a sign-in page instead. {start_again}",
)
UNREADABLE_TEXT = Kind(
    "unreadable-text",
    REJECT,
    "Parts of the file are not {encoding} text; it may have been cut off.",
    "Save the sheet as CSV UTF-8, then upload that file.",
)
HEADER_MISSING = Kind("header-missing", REJECT, "The first row must hold the column names.", "{keep_header}")
COLUMNS_NOT_FOUND = Kind(
    "columns-not-found",
    REJECT,
    "The columns {missing} were not found. Found: “{columns}”.",
    "{keep_header} Separate the columns by commas, semicolons or tabs.",
)
COLUMN_NOT_FOUND = Kind(
    "column-not-found",
    REJECT,
    "Column {column} was not found. Columns that were found: {columns}.",
    "{keep_header}",
)
COLUMN_TWICE = Kind(
    "column-twice",
    REJECT,
    "Column {column} was found more than once, so we cannot tell which one counts.",
    "Keep one, delete or rename the others, then upload the file again.",
)
TYPED_BESIDE = Kind(
    "typed-beside-data",
    REJECT,
    "{typed} stand beside the data, not in it: all columns are in column A.",
    "Split column A into columns (in Excel: Data → Text to Columns), move what you typed into its own column,"
    " then save it as .xlsx or as CSV UTF-8 and upload that file.",
)
HEADER_AGAIN = Kind(
    "header-again",
    REJECT,
    "Row {row} repeats the column names in another order, so two different tables seem to have been joined.",
    "Upload the two tables one after the other, or put their columns in the same order.",
)
UNCLOSED_QUOTE = Kind(
    "unclosed-quote",
    REJECT,
    "A quotation mark opened in row {row} is never closed, so later rows cannot be trusted.",
    _QUOTES,
)
STRAY_QUOTE = Kind(
    "stray-quote",
    REJECT,
    "Row {row} has text after a closing quotation mark, so its cells cannot be told apart.",
    _QUOTES,
)
ROWS_IN_CELL = Kind(
    "rows-in-cell",
    REJECT,
    "A cell in row {row} holds whole rows of the sheet; a quotation mark was probably left open.",
    _QUOTES,
)
ROW_TOO_LARGE = Kind(
    "row-too-large",
    REJECT,
    "Row {row} is far larger than a row should be.",
    "Check that this is the right file and that each user has a separate row.",
)

# --- What a workbook says about a cell or a row ----------------------------------------------------------------------

CELL_IS_DATE = Kind(
    "cell-is-date",
    ERROR,
    "Row {row}, {column}: the spreadsheet turned this cell into a date or time, {value}.",
    "Format the cell as Text, then enter its content again.",
)
CELL_IS_ERROR = Kind(
    "cell-is-error",
    ERROR,
    "Row {row}, {column}: the formula in this cell gives the error {value}.",
    "Enter the value itself, or empty the cell.",
)
CELL_NOT_CALCULATED = Kind(
    "cell-not-calculated",
    ERROR,
    "Row {row}, {column}: {value} is a formula whose result is not in the file.",
    "Open the file in Excel or LibreOffice, save it and upload it again, or enter the value itself.",
)
CELL_IS_MERGED = Kind(
    "cell-is-merged",
    ERROR,
    "Row {row}, {column}: this cell is merged with others, so it is not clear which rows its content is for.",
    "Unmerge the cells and enter the content in each row.",
)
ROW_IS_HIDDEN = Kind(
    "row-is-hidden",
    WARNING,
    "Row {row} is hidden in the sheet, by hand or by a filter, but has a {column}.",
    "Show all rows of the sheet and check whether this one is meant.",
)

# --- The file is accepted --------------------------------------------------------------------------------------------

READ_AS = Kind("read-as", NOTE, "Read as {how}.")
EMPTY_ROW = Kind("empty-rows", NOTE, "1 empty row skipped.")
EMPTY_ROWS = Kind("empty-rows", NOTE, "{count:,} empty rows skipped.")
ROW_ABOVE = Kind("rows-above-header", NOTE, "1 row above the column names skipped: “{text}”.")
ROWS_ABOVE = Kind("rows-above-header", NOTE, "{count:,} rows above the column names skipped: “{text}”, ….")
EXTRA_COLUMNS = Kind("extra-columns", NOTE, "Columns that are not used: {columns}.")
SHEET_READ = Kind("sheet-read", NOTE, "Only the sheet “{sheet}” was read.")
FORMULAS = Kind("formulas", NOTE, "{cells} with a formula: the result stored in the file was read.")


def empty_rows(count: int) -> Problem:
    return EMPTY_ROW() if count == 1 else EMPTY_ROWS(count=count)


def rows_above(texts: Sequence[str]) -> Problem:
    """Return the note about the rows above the header. `texts` holds the first text of each."""
    return (ROW_ABOVE if len(texts) == 1 else ROWS_ABOVE)(count=len(texts), text=texts[0])
