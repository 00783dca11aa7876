"""Sentences about a file of users and its rows. Those about any CSV file are in `transfers.people_csv.kinds`."""

from transfers.problems import Kind, Severity

REJECT, ERROR = Severity.REJECT, Severity.ERROR

_HEADER = "Row 1 holds the column names, such as User Name, First Name, Email and Team."
CHOOSE = "Choose the CSV file of users, then upload it."

# --- the file is not taken ---
NO_FILE = Kind("no-file", REJECT, "No file was chosen.", CHOOSE)
NO_USER_NAME = Kind(
    "user-name-column", REJECT, "Column User Name was not found. Columns in the file: {columns}.", _HEADER
)
NOT_UTF8 = Kind(
    "not-utf-8",
    REJECT,
    "The file is not UTF-8, so letters such as é and ł in its names cannot be known.",
    "In Excel choose Save As → CSV UTF-8, then upload that file.",
)
TOO_MANY_ROWS = Kind(
    "too-many-rows",
    REJECT,
    "The file has more than {limit:,} users.",
    "Split it, and import one part after the other.",
)
NO_ROWS = Kind("no-users", REJECT, "The file has a header but no users.", _HEADER)

# --- the row cannot be stored ---
LONG_ROW = Kind(
    "long-row",
    ERROR,
    "The row has {cells} cells but the header has fewer, so its cells may have shifted.",
    "Put quotation marks around text that holds the separator.",
)
NO_NAME = Kind("no-user-name", ERROR, "The User Name is missing.", "Enter it, or delete the row.")
TWICE = Kind(
    "value-twice",
    ERROR,
    "{column} {value} stands in row {first} too.",
    "Give each user a row and a {column} of their own.",
)
TOO_LONG = Kind(
    "too-long", ERROR, "{column} is longer than {limit} characters.", "Check whether cells have run together."
)
UNSEEN = Kind(
    "unseen-characters", ERROR, "{column} holds characters that cannot be seen.", "Type the cell anew."
)
NO_ADDRESS = Kind(
    "no-email-address",
    ERROR,
    "{value} is not an email address.",
    "Enter one like ana@example.com, or leave it empty.",
)
TAKEN = Kind("taken", ERROR, "{column} {value} is taken.", "Enter another.")
ACTIVE = Kind("active", ERROR, "Active holds {value}.", "Enter yes or no, or leave it empty.")
NO_SUCH_TEAM = Kind(
    "unknown-team",
    ERROR,
    "No team of your view is called {value}.",
    "Check the spelling, or choose another team.",
)
NO_SUCH_ROLE = Kind(
    "unknown-role",
    ERROR,
    "No role that you can give is called {value}.",
    "Check the spelling, or leave it out.",
)
NO_SUCH_VIEW = Kind(
    "unknown-view",
    ERROR,
    "No view that you can assign is called {value}.",
    "Check the spelling, or leave it out.",
)
TEAM_NEEDED = Kind(
    "team-needed", ERROR, "You would not see this user without a team.", "Enter a team of your view."
)
OUTRANKS = Kind(
    "outranks",
    ERROR,
    "{value} has permissions or sees users that you do not.",
    "Delete the row, or ask an administrator who has them too.",
)
OWN = Kind(
    "own-account",
    ERROR,
    "Nobody changes their own team, roles, views or activity.",
    "Empty these cells in your own row, or delete it.",
)
