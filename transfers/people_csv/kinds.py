"""Every sentence about the file and its cells. Sentences about users and pairs live in ``transfers.validation``."""

from transfers.problems import Kind, Problem, Severity

REJECT, ERROR, WARNING, NOTE = Severity.REJECT, Severity.ERROR, Severity.WARNING, Severity.NOTE

_AGAIN = "Download people.csv again and fill in To User ID."
_SAVE_AS_CSV = "In Excel choose Save As → CSV UTF-8, then upload that file."
_CHOOSE = "Choose the people.csv file you edited, then upload it."
_KEEP_HEADER = "Keep the column names From User ID and To User ID in row 1 as they are in people.csv."
_QUOTES = "Look at the quotation marks in row {row}, correct them in the spreadsheet and save it as CSV UTF-8 again."

# --- the file is not taken ---
NO_FILE = Kind("no-file", REJECT, "No file was chosen.", _CHOOSE)
EMPTY_FILE = Kind("empty-file", REJECT, "This file is empty.", _AGAIN)
NO_USERS = Kind("no-users", REJECT, "The file has a header but no users.", _AGAIN)
TOO_LARGE = Kind(
    "file-too-large",
    REJECT,
    "The file is larger than {limit} MB.",
    "people.csv is normally far smaller – was another file chosen? " + _CHOOSE,
)
TOO_MANY_LINES = Kind(
    "too-many-lines",
    REJECT,
    "The file has more than {limit:,} lines; reading stopped there.",
    "Delete the rows of users whose data stays where it is, or split the file, then upload it again.",
)
EXCEL_WORKBOOK = Kind("excel-workbook", REJECT, "This is an Excel workbook.", _SAVE_AS_CSV)
OLD_EXCEL = Kind(
    "old-excel-workbook",
    REJECT,
    "This is an Excel workbook in the old .xls format or with a password, not a CSV file.",
    _SAVE_AS_CSV,
)
ARCHIVE = Kind(
    "archive", REJECT, "This is a {what}, not a CSV file.", "Please upload the CSV itself, not a {what}."
)
OTHER_TYPE = Kind("other-file-type", REJECT, "This is {what}, not a CSV file.", _CHOOSE)
WEB_PAGE = Kind(
    "web-page",
    REJECT,
    "This is a web page, not a CSV file.",
    "A sign-in page may have been saved in its place. Sign in, download people.csv again and edit that file.",
)
UNREADABLE_TEXT = Kind(
    "unreadable-text",
    REJECT,
    "The file says it is {encoding}, but parts of it are not; it may have been cut off.",
    "Save the sheet as CSV UTF-8, then upload that file.",
)
COLUMNS_NOT_FOUND = Kind(
    "columns-not-found",
    REJECT,
    'The columns From User ID and To User ID were not found. Found: "{columns}".',
    _KEEP_HEADER + " Separate the columns by commas, semicolons or tabs.",
)
COLUMN_NOT_FOUND = Kind(
    "column-not-found",
    REJECT,
    "Column {column} was not found. Columns in the file: {columns}.",
    _KEEP_HEADER,
)
COLUMN_TWICE = Kind(
    "column-twice",
    REJECT,
    "Column {column} is in the file more than once, so we cannot know which one counts.",
    "Delete or rename the columns that do not count, then upload the file again.",
)
HEADER_MISSING = Kind("header-missing", REJECT, "The first row must hold the column names.", _KEEP_HEADER)
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
    "A cell in row {row} holds whole rows of the sheet, as happens when a quotation mark is left open.",
    _QUOTES,
)
ROW_TOO_LARGE = Kind(
    "row-too-large",
    REJECT,
    "Row {row} is far larger than a row of people.csv can be.",
    "Check that this is the people.csv file you edited and that each user has a row of their own.",
)

# --- the row cannot run ---
SHORT_ROW = Kind(
    "short-row",
    ERROR,
    "Row {row} ends before the {column} column.",
    "Fill in the row as it is in people.csv, or delete it.",
)
LONG_ROW = Kind(
    "long-row",
    ERROR,
    "Row {row} has {cells} cells but the header has {width}, so its cells may have shifted.",
    "Put quotation marks around text or numbers that hold the separator, or copy the row again from people.csv.",
)
ID_NOT_WHOLE = Kind(
    "id-not-whole",
    ERROR,
    "Row {row}, {column}: {value} is not a user ID.",
    "Enter a whole number, such as 19.",
)
ID_THOUSANDS = Kind(
    "id-thousands-mark",
    ERROR,
    "Row {row}, {column}: {value} looks like a number with a thousands mark.",
    "Enter {suggestion}.",
)
ID_SHORTENED = Kind(
    "id-shortened",
    ERROR,
    "Row {row}, {column}: the spreadsheet shortened this number to {value}, so we cannot know the ID.",
    "Format the column as Text or Number without decimals, then enter the ID again.",
)
ID_NOT_POSITIVE = Kind(
    "id-not-positive",
    ERROR,
    "Row {row}, {column}: {value} is not a user ID. User IDs are whole numbers above 0.",
    "Enter the ID of the user, such as 19.",
)
ID_TOO_LARGE = Kind(
    "id-too-large",
    ERROR,
    "Row {row}, {column}: {value} is larger than any user ID.",
    "Enter the ID of the user as it is in people.csv.",
)
ID_OTHER_DIGITS = Kind(
    "id-other-digits",
    ERROR,
    "Row {row}, {column}: {value} is not written in the digits 0 to 9.",
    "Enter {suggestion}.",
)
ID_IS_FORMULA = Kind(
    "id-is-formula",
    ERROR,
    "Row {row}, {column}: {value} is a formula or a formula error.",
    "Paste it as a value (Paste Special → Values).",
)
ID_IS_TEXT = Kind(
    "id-is-text",
    ERROR,
    "Row {row}: {column} needs a number, but the cell holds {value}.",
    "Enter the number from the From User ID column of that user.",
)

# --- may run, or only said ---
ID_MAY_BE_ROUNDED = Kind(
    "id-may-be-rounded",
    WARNING,
    "Row {row}, {column}: spreadsheets keep only 15 digits, and {value} ends in zeros after that.",
    "Compare it with the ID on the Users page.",
)
ID_READ_AS = Kind("id-read-as", NOTE, "Row {row}, {column}: {value} was read as {suggestion}.")
NONE_SELECTED = Kind(
    "none-selected",
    NOTE,
    "No users selected.",
    "Fill in To User ID for each user whose data you want to move.",
)
READ_AS = Kind("read-as", NOTE, "Read as {how}.")
NOT_UTF8 = Kind(
    "not-utf-8",
    NOTE,
    "The file is not UTF-8; only user IDs are used, names come from our records.",
)
EMPTY_ROW = Kind("empty-rows", NOTE, "1 empty row skipped.")
EMPTY_ROWS = Kind("empty-rows", NOTE, "{count:,} empty rows skipped.")
EXTRA_COLUMNS = Kind("extra-columns", NOTE, "Columns that are not used: {columns}.")


def empty_rows(count: int) -> Problem:
    return EMPTY_ROW() if count == 1 else EMPTY_ROWS(count=count)
