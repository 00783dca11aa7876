"""Problems of people.csv and its cells. Problems of users and pairs are in `transfers.validation.problem_kinds`."""

from transfers.people_csv.columns import START_AGAIN
from wording.problems import Kind, Severity

REJECT, ERROR, WARNING, NOTE = Severity.REJECT, Severity.ERROR, Severity.WARNING, Severity.NOTE

# --- The file is rejected --------------------------------------------------------------------------------------------

NO_USERS = Kind("no-users", REJECT, "The file has a header but no users.", START_AGAIN)

# --- Errors: the row cannot be transferred ---------------------------------------------------------------------------

SHORT_ROW = Kind(
    "short-row",
    ERROR,
    "Row {row} ends before the {column} column.",
    "Copy the row again from people.csv, or delete it.",
)
LONG_ROW = Kind(
    "long-row",
    ERROR,
    "Row {row} has {cells} cells but the header has {width}, so its cells may have shifted.",
    "Put quotation marks around text or numbers that contain the separator, or copy the row again from people.csv.",
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
    "Row {row}, {column}: {value} looks like a number with a thousands separator.",
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
    "Enter the user's ID, such as 19.",
)
ID_TOO_LARGE = Kind(
    "id-too-large",
    ERROR,
    "Row {row}, {column}: {value} is larger than any user ID.",
    "Enter the user's ID as it is in people.csv.",
)
ID_OTHER_DIGITS = Kind(
    "id-other-digits",
    ERROR,
    "Row {row}, {column}: {value} contains digits other than 0 to 9.",
    "Enter {suggestion}.",
)
ID_IS_FORMULA = Kind(
    "id-is-formula",
    ERROR,
    "Row {row}, {column}: “{value}” is a formula or a formula error.",
    "Paste it as a value (Paste Special → Values).",
)
ID_IS_TEXT = Kind(
    "id-is-text",
    ERROR,
    "Row {row}, {column}: “{value}” is not a user ID.",
    "Enter the user's ID, which people.csv lists under From User ID.",
)

# --- Warnings and notes ----------------------------------------------------------------------------------------------

ID_MAY_BE_ROUNDED = Kind(
    "id-may-be-rounded",
    WARNING,
    "Row {row}, {column}: spreadsheets keep only 15 digits, and all further digits of {value} are zeros.",
    "Compare the ID with the one on the Users page.",
)
ID_READ_AS = Kind("id-read-as", NOTE, "Row {row}, {column}: {value} was read as {suggestion}.")
NOT_UTF8 = Kind(
    "not-utf-8",
    NOTE,
    "The file is not UTF-8. Only user IDs are read from it; names come from our records.",
)
NONE_SELECTED = Kind(
    "none-selected",
    NOTE,
    "No users selected.",
    "Fill in To User ID for each user whose data you want to move.",
)
