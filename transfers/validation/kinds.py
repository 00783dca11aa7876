"""What can be wrong with the meaning of a row: every sentence, with its stable code, in one place.

"Not in the tenant", "not in the person's view" and "unknown" are one and the same sentence, so that nobody can probe
for users (design.md 3, row 9).
"""

from transfers.problems import Kind, Severity

MAXIMUM_PAIRS = 2000
ERROR, WARNING = Severity.ERROR, Severity.WARNING

# --- One user ------------------------------------------------------------------------------------------------------

UNKNOWN_USER = Kind(
    "unknown-user",
    ERROR,
    "No user has the ID {value}.",
    "Check the ID in people.csv. Users outside your view cannot be transferred.",
)
NO_SOURCE = Kind(
    "no-from-user-id",
    ERROR,
    "This row has a To User ID but no From User ID.",
    "Enter the ID of the user whose data should move, or clear this row.",
)
NO_TARGET = Kind(
    "no-to-user-id",
    ERROR,
    "This row has a From User ID but no To User ID.",
    "Enter the ID of the user who receives the data, or clear this row.",
)
TENANT_ADMINISTRATOR = Kind(
    "tenant-administrator",
    ERROR,
    "{name} ({value}) is a tenant administrator. Their data cannot be transferred, nor data to them.",
    "Choose another user, or have the role taken away first.",
)
OPERATES_SERVER = Kind(
    "server-operator",
    ERROR,
    "{name} ({value}) operates this server. Their data cannot be transferred, nor data to them.",
    "Choose another user, or have whoever runs the server take that right away first.",
)
OUTRANKS = Kind(
    "source-outranks",
    ERROR,
    "{name} ({value}) has permissions that you do not, and views that a transfer would take from them.",
    "Have the views unassigned first, or ask somebody with these permissions to run this transfer.",
)
ACTING_PERSON = Kind(
    "acting-person",
    ERROR,
    "{name} ({value}) is you. Nobody can transfer their own data, nor data to themselves.",
    "Ask another administrator to run this transfer.",
)
REACHES_BEYOND = Kind(
    "view-reaches-beyond",
    ERROR,
    "{name} ({value}) is assigned a view that reaches beyond your own.",
    "Have the view unassigned first, or ask somebody with that view to run this transfer.",
)
BUSY = Kind(
    "user-busy",
    ERROR,
    "User {value} is part of a transfer that is running now.",
    "Wait until that transfer has ended, then try again.",
)
ID_IS_NAME = Kind(
    "id-is-name",
    ERROR,
    "Row {row}: {column} needs a number, but the cell holds {value}. Did you mean {suggestion} ({name})?",
    "Enter {suggestion} if this is the user you mean.",
)
NO_ATTRIBUTE = Kind(
    "target-without-attribute",
    ERROR,
    "Target {name} ({value}) has no {attribute}, and some records know their user by it.",
    "Give the target user one, or choose another target.",
)
INACTIVE_TARGET = Kind(
    "inactive-target",
    WARNING,
    "Target {name} ({value}) is inactive; the data will not be visible in schedules.",
    "Nothing has to be done; the user stays inactive.",
)
ACTIVE_SOURCE = Kind(
    "active-source",
    WARNING,
    "Source {name} ({value}) is active and goes on working; new records will belong to them again.",
    "Deactivate the user first if they have left.",
)

NOTHING_TO_MOVE = Kind(
    "nothing-to-move",
    WARNING,
    "Source {value} has no records; nothing will move.",
    "Check that this is the right user, or clear this row.",
)
UPCOMING = Kind(
    "upcoming-in-target",
    WARNING,
    "Target {name} ({value}) has {what} from today on, which will be overwritten.",
    "Check that the Source User's are to take their place.",
)
TRANSFERRED_BEFORE = Kind(
    "transferred-before",
    WARNING,
    "This pair was already transferred on {when}.",
    "Running it again moves only what has come since; nothing of the target is lost.",
)

IN_LATER_TRANSFER = Kind(
    "in-later-transfer",
    ERROR,
    "The last transfer of Source {value} was another one. What they have now did not arrive late for this Target User.",
    "Clear this row, or discard this transfer. What arrived after the last transfer is shown on its own page.",
)

# --- Rows among each other -----------------------------------------------------------------------------------------

SAME_USER = Kind(
    "same-user", ERROR, "Source and target are the same user ({value}).", "Choose two different users."
)
REPEATED = Kind(
    "repeated-row", WARNING, "Row {row} repeats row {first}; it will run once.", "Nothing has to be done."
)
TWO_TARGETS = Kind(
    "one-source-two-targets",
    ERROR,
    "User {value}'s data can go to one user only (rows {rows}).",
    "Keep one of these rows and clear the others.",
)
TWO_SOURCES = Kind(
    "two-sources-one-target",
    ERROR,
    "Users {sources} would both go to user {value}, and overwrite each other's schedules (rows {rows}).",
    "Keep one of these rows and clear the others. Run them as separate transfers if you mean it.",
)
CHAIN = Kind(
    "chain",
    ERROR,
    "These rows depend on each other: {path}.",
    "Choose the final user for each, and clear the rows in between.",
)
MISSORTED = Kind(
    "name-of-another-user",
    ERROR,
    'Row {row} says "{name_in_file}", but user {value} is "{name}".',
    "Was one column sorted by itself? Download people.csv again.",
)

# --- The whole file ------------------------------------------------------------------------------------------------

TOO_MANY = Kind(
    "too-many-pairs",
    ERROR,
    "{count:,} transfers selected; up to {limit:,} can run at once.",
    "Clear at least {excess}, or split the file.",
)
MISSORTED_FILE = Kind(
    "one-column-sorted",
    ERROR,
    "{count} rows hold a name that belongs to another ID. One column seems to have been sorted by itself.",
    "Download people.csv again and sort whole rows only.",
)
RAN_BEFORE = Kind(
    "file-ran-before",
    WARNING,
    "You ran this file on {when} ({succeeded:,} transferred).",
    "Check that these users are still to be transferred.",
)
NOTHING_SELECTED = Kind(
    "no-users-selected",
    Severity.NOTE,
    "No users selected.",
    "Fill in To User ID for each user whose data you want to move.",
)

BULK_RUNNING = Kind(
    "bulk-running",
    ERROR,
    "A bulk transfer is running.",
    "You can prepare this one and start it when that one has ended.",
)
BUSY_NOW = Kind(
    "users-became-busy",
    ERROR,
    "Another transfer with one of these users has just started.",
    "Wait until it has ended, then confirm again.",
)
NOT_A_DRAFT = Kind(
    "discarded", ERROR, "This preview was discarded; nothing was started.", "Start again with a new transfer."
)
WRONG_NUMBER = Kind("wrong-number", ERROR, "The number of users was not typed.", "Type {count} to confirm.")
TOO_MANY_ROWS = Kind(
    "too-many-rows",
    Severity.REJECT,
    "The file selects {count:,} users; up to 2,000 can be transferred at once.",
    "Empty To User ID for users whose data stays where it is, or split the file, then upload it again.",
)

# --- Between the confirmation and the run --------------------------------------------------------------------------

CHANGED = Kind(
    "changed-after-confirmation",
    ERROR,
    "Changed after confirmation: {what}",
    "Check the users, then retry this pair.",
)
PERSON_MAY_NOT = Kind(
    "person-may-not",
    ERROR,
    "{name}, who started this transfer, may not run it any more.",
    "Ask somebody with the permission to run these pairs.",
)
