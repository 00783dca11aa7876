"""Problems of people.csv and its cells. Problems of users and pairs are in `transfers.validation.problem_kinds`."""

from transfers.people_csv.columns import START_AGAIN
from wording.problems import Kind, Severity

REJECT, ERROR, WARNING, NOTE = Severity.REJECT, Severity.ERROR, Severity.WARNING, Severity.NOTE

_AS_TEXT = "Format the column as Text, then enter the ID again."

# --- The file is rejected --------------------------------------------------------------------------------------------

NO_USERS = Kind("no-users", REJECT, "There are column names but no users.", START_AGAIN)
PASTE_AGAIN = "Correct the rows in the box, then check them again. Two columns of IDs need no column names."
ONE_COLUMN = Kind(
    "one-column-pasted",
    REJECT,
    "There is no tab, semicolon or comma between the two IDs of a pair.",
    PASTE_AGAIN,
)
NOTHING_PASTED = Kind("nothing-pasted", REJECT, "Nothing was pasted.", PASTE_AGAIN)

# --- Errors: the row cannot be transferred ---------------------------------------------------------------------------

SHORT_ROW = Kind(
    "short-row",
    ERROR,
    "Row {row} ends before the {column} column.",
    "Copy the row again from the list of users, or delete it.",
)
LONG_ROW = Kind(
    "long-row",
    ERROR,
    "Row {row} has {cells} cells but the header has {width}, so its cells may have shifted.",
    "Put quotation marks around text or numbers that contain the separator, or copy the row from the list of users.",
)
NOT_A_USER = Kind(
    "row-without-user",
    ERROR,
    "Row {row} is not the row of a user: it says “{value}”.",
    "Clear this row, or enter both IDs if it should be one.",
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
ID_TWO_READINGS = Kind(
    ID_THOUSANDS.code,
    ERROR,
    "Row {row}, {column}: {value} can be {grouped} with a thousands separator, or {whole} with decimals.",
    "Enter {grouped} or {whole}.",
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
    "Enter the user's ID as it is in the list of users.",
)
ID_OTHER_DIGITS = Kind(
    "id-other-digits",
    ERROR,
    "Row {row}, {column}: {value} contains digits other than 0 to 9.",
    "Enter {suggestion}.",
)
ID_INVISIBLE = Kind(
    "id-invisible-characters",
    ERROR,
    "Row {row}, {column}: there are invisible characters inside {value}.",
    "Enter {suggestion}.",
)
ID_INVISIBLE_IN_NUMBER = Kind(
    ID_INVISIBLE.code, ERROR, ID_INVISIBLE.sentence, "Type the ID again instead of pasting it."
)
ID_WITH_LABEL = Kind(
    "id-with-label",
    ERROR,
    "Row {row}, {column}: “{value}” is more than a user ID.",
    "Enter {suggestion}.",
)
ID_IS_DATE = Kind(
    "id-is-date",
    ERROR,
    "Row {row}, {column}: the spreadsheet made a date of this ID ({value}), so we cannot know it.",
    _AS_TEXT,
)
ID_IS_TIME = Kind(
    "id-is-time",
    ERROR,
    "Row {row}, {column}: the spreadsheet made a time of this ID ({value}), so we cannot know it.",
    _AS_TEXT,
)
ID_IS_TRUTH_VALUE = Kind(
    "id-is-truth-value",
    ERROR,
    "Row {row}, {column}: the spreadsheet made a truth value of this ID ({value}), so we cannot know it.",
    _AS_TEXT,
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
    "Enter the user's ID, which the list of users has under From User ID.",
)

# --- Warnings and notes ----------------------------------------------------------------------------------------------

ID_MAY_BE_ROUNDED = Kind(
    "id-may-be-rounded",
    WARNING,
    "Row {row}, {column}: spreadsheets keep only 15 digits, so {value} may have been rounded.",
    "Compare the ID with the one on the Users page.",
)
ID_READ_AS = Kind("id-read-as", NOTE, "Row {row}, {column}: {value} was read as {suggestion}.")
NAME_CONFIRMED = Kind(
    "name-confirmed", NOTE, "You confirmed that {value} is right, although the row said “{in_file}”."
)
EMPTY_WORD = Kind("empty-words", NOTE, "1 cell with {words} was read as blank.")
EMPTY_WORDS = Kind("empty-words", NOTE, "{count:,} cells with {words} were read as blank.")
SKIPPED = Kind("rows-skipped", NOTE, "{what} skipped in {rows}.")
NOT_UTF8 = Kind(
    "not-utf-8",
    NOTE,
    "The file is not UTF-8, so letters such as é may be wrong in it. Names on this page come from our records.",
)
NONE_SELECTED = Kind(
    "none-selected",
    NOTE,
    "No users selected.",
    "Fill in To User ID for each user whose data you want to move.",
)
