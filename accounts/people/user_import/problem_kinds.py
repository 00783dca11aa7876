"""Problems of a file of users or of its rows. Those common to all files are in `spreadsheets.problem_kinds`."""

from wording.problems import Kind, Severity

REJECT, ERROR, WARNING, NOTE = Severity.REJECT, Severity.ERROR, Severity.WARNING, Severity.NOTE

KEEP_HEADER = "Put the column names in row 1, such as User Name, First Name, Email and Team."

# --- The file is rejected --------------------------------------------------------------------------------------------

NOT_UTF8 = Kind(
    "not-utf-8",
    REJECT,
    "The file is not UTF-8, so letters such as é and ł in its names cannot be read reliably.",
    "In Excel choose Save As → Excel Workbook or CSV UTF-8, then upload that file.",
)
TOO_MANY_ROWS = Kind(
    "too-many-rows",
    REJECT,
    "The file has more than {limit:,} users.",
    "Split the file and import the parts one after the other.",
)
NO_ROWS = Kind(
    "no-users",
    REJECT,
    "The file has a header but no users.",
    "Add a row for each user, then upload the file again.",
)

# --- The row cannot be stored ----------------------------------------------------------------------------------------

LONG_ROW = Kind(
    "long-row",
    ERROR,
    "The row has {cells} cells but the header has fewer, so its cells may have shifted.",
    "Put quotation marks around text that contains the separator.",
)
NO_NAME = Kind("no-user-name", ERROR, "The User Name is missing.", "Enter it, or delete the row.")
TWICE = Kind(
    "value-twice",
    ERROR,
    "{column} {value} also appears in row {first}.",
    "Each {column} may appear only once. Correct one of the rows, or delete it.",
)
TOO_LONG = Kind(
    "too-long",
    ERROR,
    "{column} is longer than {limit} characters.",
    "Shorten it, or check whether cells have run together.",
)
UNSEEN = Kind(
    "unseen-characters", ERROR, "{column} contains invisible characters.", "Type the text of this cell again."
)
NO_ADDRESS = Kind(
    "no-email-address",
    ERROR,
    "“{value}” is not an email address.",
    "Enter one like ana@example.com, or leave the cell empty.",
)
TAKEN = Kind("taken", ERROR, "{column} {value} is taken.", "Enter another one.")
ACTIVE = Kind(
    "active",
    ERROR,
    "Active must be yes or no. This cell says “{value}”.",
    "Enter yes or no, or leave the cell empty.",
)
NO_SUCH_TEAM = Kind(
    "unknown-team",
    ERROR,
    "Your views contain no team called “{value}”.",
    "Check the spelling, or choose another team.",
)
NO_SUCH_ROLE = Kind(
    "unknown-role",
    ERROR,
    "You cannot assign a role called “{value}”.",
    "Check the spelling, or remove this role from the cell.",
)
NO_SUCH_VIEW = Kind(
    "unknown-view",
    ERROR,
    "You cannot assign a view called “{value}”.",
    "Check the spelling, or remove this view from the cell.",
)
TEAM_NEEDED = Kind(
    "team-needed", ERROR, "You could not see this user without a team.", "Enter a team from your views."
)
OUTRANKS = Kind(
    "outranks",
    ERROR,
    "{value} has permissions that you do not have, or sees users that you cannot see.",
    "Delete the row, or ask an administrator who has these permissions and sees these users.",
)
OWN = Kind(
    "own-account",
    ERROR,
    "You cannot change your own team, roles, views or status.",
    "Empty these cells in your own row, or delete the row.",
)

# --- The row can be stored if the person confirms its value ----------------------------------------------------------

ENTER_AGAIN = "Format the column as text, then enter the value again. If it is right, confirm it above."
MADE_BY_SPREADSHEET = Kind(
    "made-by-spreadsheet",
    WARNING,
    "{column} {value} looks as if a spreadsheet had turned it into {what}.",
    ENTER_AGAIN,
)
LOST_ZEROS = Kind(
    "lost-zeros",
    WARNING,
    "{column} {value} seems to have lost its leading zeros in a spreadsheet. It may have been {expected}.",
    ENTER_AGAIN,
)

# --- Notes -----------------------------------------------------------------------------------------------------------

HIDDEN_ROWS = Kind(
    "hidden-rows",
    NOTE,
    "{rows} hidden in the sheet, by hand or by a filter, will be imported like the others.",
)
