"""Problems of users, pairs and whole files, each with its sentence and a stable code.

Users who are unknown, in another tenant or outside the person's views share one sentence, so that nobody can learn
about users by trying IDs (docs/rules.md, decision 9).
"""

from transfers.people_csv import problem_kinds as cell_kinds
from wording.problems import Kind, Severity

MAXIMUM_PAIRS = 2000
ERROR, WARNING = Severity.ERROR, Severity.WARNING

# --- One user ------------------------------------------------------------------------------------------------------

UNKNOWN_USER = Kind(
    "unknown-user",
    ERROR,
    "No user has the ID {value}.",
    "Check the ID in the list of users. Users outside your views cannot be transferred.",
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
    "{name} ({value}) is a tenant administrator. Tenant administrators cannot take part in a transfer.",
    "Choose another user, or have the role removed first.",
)
OPERATES_SERVER = Kind(
    "server-operator",
    ERROR,
    "{name} ({value}) is a server operator. Server operators cannot take part in a transfer.",
    "Choose another user, or have this right removed on the server first.",
)
OUTRANKS = Kind(
    "source-outranks",
    ERROR,
    "{name} ({value}) has permissions that you do not have, and views that the transfer would remove.",
    "Have the views unassigned first, or ask someone with these permissions to run this transfer.",
)
ACTING_PERSON = Kind(
    "acting-person",
    ERROR,
    "{name} ({value}) is your own account. You cannot take part in a transfer that you run.",
    "Ask another administrator to run this transfer.",
)
REACHES_BEYOND = Kind(
    "view-reaches-beyond",
    ERROR,
    "{name} ({value}) has a view with users that you cannot see.",
    "Have the view unassigned first, or ask someone with that view to run this transfer.",
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
    "Row {row}, {column}: “{value}” is not a user ID. Did you mean {suggestion} ({name})?",
    "Enter {suggestion} if this is the user you mean.",
)
IDENTIFIER_UNKNOWN = Kind(
    "identifier-unknown",
    ERROR,
    "Row {row}, {named}: no user has the {what} “{value}”.",
    "Check it on the Users page, or enter the user's ID. Users outside your views cannot be transferred.",
)
TEXT_NAMES_NOBODY = Kind(
    cell_kinds.ID_IS_TEXT.code,
    ERROR,
    "Row {row}, {column}: no user has the ID, email, user name or employee ID “{value}”.",
    IDENTIFIER_UNKNOWN.remedy,
)
IDENTIFIERS_DISAGREE = Kind(
    "identifiers-disagree",
    ERROR,
    "Row {row}: {texts} are not of one user.",
    "Enter the ID of the user you mean.",
)
IDENTIFIER_OF_MANY = Kind(
    "identifier-of-many",
    ERROR,
    "Row {row}, {named}: “{value}” can be the email, user name or employee ID of more than one user: {choices}.",
    "Enter the ID of the one you mean.",
)
IDENTIFIER_UNREADABLE = Kind(
    "identifier-unreadable",
    ERROR,
    "Row {row}, {named}: the file is not UTF-8, so letters in “{value}” may be others than you typed.",
    "Save the file as .xlsx or as CSV UTF-8 and upload it again, or enter the user's ID.",
)
IDENTIFIED = Kind("identified", Severity.NOTE, "Row {row}, {named}: “{value}” was read as {name} ({number}).")
NO_ATTRIBUTE = Kind(
    "target-without-attribute",
    ERROR,
    "{name} ({value}) has no {attribute}, which some records of the Source User need.",
    "Enter it on the Target User's page, or choose another Target User.",
)
NO_EXTERNAL_ID = Kind(
    NO_ATTRIBUTE.code,
    ERROR,
    NO_ATTRIBUTE.sentence,
    "Add the person to the view that manage.py sync_people reads, or choose another Target User.",
)
INACTIVE_TARGET = Kind(
    "inactive-target",
    WARNING,
    "Target User {name} ({value}) is inactive; the data will not be visible in schedules.",
    "No action is needed. The user stays inactive.",
)
ACTIVE_SOURCE = Kind(
    "active-source",
    WARNING,
    "{name} ({value}) is still active. Anything recorded from now on will stay with {name}.",
    "Deactivate the user first if they have left.",
)
NOTHING_TO_MOVE = Kind(
    "nothing-to-move",
    WARNING,
    "User {value} has no records; nothing will move.",
    "Check that this is the right user, or clear this row.",
)
ID_TOO_LARGE = Kind(
    "id-does-not-fit",
    ERROR,
    "{what} cannot hold the ID {value}: the column that refers to the user is too small.",
    "Have the column widened on the server, or choose another Target User.",
)
ATTRIBUTE_DOES_NOT_FIT = Kind(
    "id-does-not-fit",
    ERROR,
    "{what} cannot hold the {attribute} “{text}” of {name} ({value}): the column that refers to the user has another"
    " type.",
    "Correct the {attribute} or the column on the server, or choose another Target User.",
)
ATTRIBUTE_IS_SHARED = Kind(
    "attribute-of-two-tenants",
    ERROR,
    "{what} does not say of which tenant its users are, and a user of another tenant has the same {attribute} as the"
    " Source User or as {name} ({value}).",
    "Name the column with the tenant in the declaration of {what}, or choose another user.",
)
NOT_COMPARABLE = Kind(
    "not-comparable",
    ERROR,
    "{what} cannot be counted: the database reports an error when it compares the records of the two users.",
    "Choose another Target User, or have the cause removed on the server; its log has the message of the database.",
)
SELF_EDGE = Kind(
    "self-edge",
    ERROR,
    "{what}: {records} would have {name} ({value}) in two roles.",
    "Change one of the two users in these records, or choose another Target User.",
)
NO_FREE_NAME = Kind(
    "no-free-name",
    ERROR,
    "{what}: {records} would have the same name as one of {name} ({value}), and no new name with a number is free.",
    "Rename the records of one of the two users, or choose another Target User.",
)
UPCOMING = Kind(
    "upcoming-in-target",
    WARNING,
    "{name} ({value}) has {what}. They will be replaced.",
    "Make sure that the Source User's records should replace them.",
)
TRANSFERRED_BEFORE = Kind(
    "transferred-before",
    WARNING,
    "This pair was already transferred on {when}.",
    "Running it again moves only what was recorded since then.",
)
TARGET_MOVED_AWAY = Kind(
    "target-was-source",
    WARNING,
    "{name} ({value})'s own data was transferred to {receiver} on {when}.",
    "Make sure that this is the direction you mean.",
)
IN_LATER_TRANSFER = Kind(
    "in-later-transfer",
    ERROR,
    "User {value} was in another transfer after this pair was transferred. Newer records may belong to another user.",
    "Clear this row, or discard this preview. The late arrivals may be listed on the page of the other transfer.",
)
UNDONE_SINCE = Kind(
    "undone-since",
    ERROR,
    "The transfer of this pair was undone, so that User {value} has all records again, and none of them is late.",
    "Clear this row, or discard this preview. To move the records, run the transfer again.",
)

# --- Rows compared with each other ---------------------------------------------------------------------------------

SAME_USER = Kind(
    "same-user", ERROR, "Source and target are the same user ({value}).", "Choose two different users."
)
REPEATED = Kind(
    "repeated-row",
    WARNING,
    "Row {row} repeats row {first}. This pair will be transferred once.",
    "No action is needed.",
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
    "Users {sources} have the same Target User ({value}), so their schedules would overwrite each other (rows {rows}).",
    "Keep one of these rows and clear the others. To transfer all of these users, run separate transfers.",
)
CHAIN = Kind(
    "chain",
    ERROR,
    "These rows depend on each other: {path}.",
    "Choose the user who should have the data in the end, and clear the rows in between.",
)
MISSORTED = Kind(
    "name-of-another-user",
    ERROR,
    "The {what} in row {row} does not match user {value}: the row says “{in_file}”, but the user is “{name}”.",
    "Was a column sorted on its own? If so, download the list of users again.",
)
PARTLY_DIFFERENT = Kind(
    "partly-different",
    WARNING,
    "The {what} in row {row} differs from that of user {value}: the row says “{in_file}”, but the user is “{name}”.",
    "Make sure that {name} is the user you mean.",
)

# --- The whole file ------------------------------------------------------------------------------------------------

TOO_MANY = Kind(
    "too-many-pairs",
    ERROR,
    "{count:,} users are selected; up to {limit:,} can be transferred at once.",
    "Clear at least {excess}, and transfer them afterwards.",
)
MISSORTED_FILE = Kind(
    "one-column-sorted",
    ERROR,
    "{count:,} rows name a different user than their ID. A column seems to have been sorted on its own.",
    "Download the list of users again and sort whole rows only.",
)
RAN_BEFORE = Kind(
    "file-ran-before",
    WARNING,
    "You already used these rows for a transfer on {when} ({succeeded:,} transferred).",
    "Make sure that these users should be transferred again.",
)
FEW_ROWS = Kind(
    "fewer-rows-than-users",
    Severity.NOTE,
    "The file has {rows}, but your views have {users:,} users.",
    "If rows are missing, download the list of users again.",
)
SORTED_ALONE = Kind(
    "targets-in-order",
    WARNING,
    "{named} is filled in only in the first {count:,} rows, in order. Was this column sorted on its own?",
    "Compare the rows with your own list. If the column was sorted on its own, nearly every pair is wrong.",
)
FILLED = Kind(
    "targets-counted-up",
    WARNING,
    "{named} rises or falls by one in {count:,} rows, from row {first} on. Was the column filled by dragging?",
    "Compare the rows with your own list. If the column was filled by dragging, these pairs are wrong.",
)
SUSPICIOUS = frozenset(
    {SORTED_ALONE.code, FILLED.code}
)  # warnings that have to be ticked in the confirmation
NOTHING_SELECTED = Kind(
    "no-users-selected",
    Severity.NOTE,
    "No users selected.",
    "Fill in To User ID for each user whose data you want to move.",
)

# --- The confirmation ----------------------------------------------------------------------------------------------

BULK_RUNNING = Kind(
    "bulk-running",
    ERROR,
    "A bulk transfer is running.",
    "You can prepare this transfer now and start it when the running transfer has ended.",
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
WRONG_NUMBER = Kind(
    "wrong-number", ERROR, "You typed {typed}.", "Type {count:,}, the number of users, to confirm."
)
NOT_TICKED = Kind(
    "not-ticked",
    ERROR,
    "A warning has to be ticked: {warning}",
    "Compare the rows with your own list, then tick the box.",
)
# --- The rehearsal -------------------------------------------------------------------------------------------------

REHEARSING = Kind(
    "being-rehearsed",
    ERROR,
    "This transfer is being rehearsed.",
    "Wait until the rehearsal has ended, or stop it. Then confirm again.",
)
STILL_COUNTING = Kind(
    "still-counting",
    ERROR,
    "The records are still being counted.",
    "Wait until all numbers are known, then rehearse the transfer.",
)
ALREADY_CONFIRMED = Kind(
    "already-confirmed",
    ERROR,
    "This transfer was already confirmed; nothing was rehearsed.",
    "See its result on its own page.",
)
UNDO_NOT_REHEARSED = Kind(
    "undo-not-rehearsed",
    ERROR,
    "An undo cannot be rehearsed.",
    "Its preview already compares each record with what the transfer left.",
)

# --- Files with too many rows --------------------------------------------------------------------------------------

TOO_MANY_FORMULAS = Kind(
    "too-many-formula-errors",
    Severity.REJECT,
    "{count:,} cells of To User ID hold a formula error such as #N/A, or 0.",
    "Filter the column by these values and clear the cells, then upload the file again.",
)
TOO_MANY_ROWS = Kind(
    "too-many-rows",
    Severity.REJECT,
    "{count:,} users are selected; up to 2,000 can be transferred at once.",
    "Clear To User ID in the rows of users whose data should not move, or split the file, then upload it again.",
)

# --- Between the confirmation and the run --------------------------------------------------------------------------

CHANGED = Kind(
    "changed-after-confirmation",
    ERROR,
    "Changed after confirmation: {what}",
    "Check the users, then retry this pair.",
)
CHANGED_MEANWHILE = Kind(
    "changed-during-rehearsal",
    ERROR,
    "Changed since the rehearsal began: {what}",
    "Check the users, then rehearse again.",
)
PERSON_MAY_NOT = Kind(
    "person-may-not",
    ERROR,
    "{name}, who started this transfer, no longer has the permission to run it.",
    "Ask someone who has this permission to transfer these pairs.",
)
