"""Problems of an undo and of its pairs. The problems of their users are those of any transfer (`problem_kinds`)."""

from wording.problems import Kind, Severity

ERROR = Severity.ERROR
RUN_THE_OTHER_WAY = (
    "A transfer in the other direction can still move records back. Deleted records stay deleted."
)

# --- The undone transfer ---------------------------------------------------------------------------------------------

STILL_OPEN = Kind(
    "undo-still-open",
    ERROR,
    "Transfer {transfer} has not ended yet.",
    "Wait until it has ended, or stop it. Then it can be undone.",
)
IS_UNDO = Kind(
    "undo-of-undo",
    ERROR,
    "Transfer {transfer} is an undo, which cannot be undone.",
    "Run the transfer again instead.",
)
SWITCHED_OFF = Kind(
    "undo-switched-off",
    ERROR,
    "Transfers cannot be undone on this site.",
    "Your system administrator can allow it for later transfers (UNDO_DAYS).",
)
FORGOTTEN = Kind(
    "undo-forgotten",
    ERROR,
    "Transfer {transfer} can no longer be undone, because the journal of its changes was deleted.",
    RUN_THE_OTHER_WAY,
)
TOO_OLD = Kind(
    "undo-too-late", ERROR, "Transfer {transfer} could be undone until {until}.", RUN_THE_OTHER_WAY
)
NOTHING_TRANSFERRED = Kind(
    "undo-nothing-transferred",
    ERROR,
    "Transfer {transfer} transferred no users.",
    "There is nothing to undo.",
)
ALL_UNDONE = Kind(
    "undo-all-undone",
    ERROR,
    "All transferred users of transfer {transfer} have been undone already.",
    "No action is needed.",
)
NOBODY_SELECTED = Kind(
    "undo-nobody-selected",
    ERROR,
    "No users are selected.",
    "Select at least one user whose transfer should be undone.",
)

# --- One pair --------------------------------------------------------------------------------------------------------

ALREADY_UNDONE = Kind("already-undone", ERROR, "This pair has already been undone.", "Leave this user out.")
UNDO_LATER_FIRST = Kind(
    "undo-later-first",
    ERROR,
    "User {user} took part in transfer {value} afterwards.",
    "Undo transfer {value} first.",
)
HIDDEN_LATER = Kind(
    "undo-hidden-later",
    ERROR,
    "User {user} took part in a later transfer that you cannot see.",
    "Ask someone who can see that transfer to undo it first.",
)
GIVES_VIEW_BACK = Kind(
    "undo-gives-view-back",
    ERROR,
    "User {user} would get back a view with users that you cannot see.",
    "Leave this user out, or ask someone who sees these users to undo it.",
)
NOT_INSTALLED = Kind(
    "undo-not-installed",
    ERROR,
    "The data type {types} is no longer installed, so that its records cannot be given back.",
    "Ask your system administrator to install it again, or leave this user out.",
)
INCOMPLETE = Kind(
    "undo-incomplete",
    ERROR,
    "The journal of what was changed for this pair is no longer complete.",
    "Leave this user out. " + RUN_THE_OTHER_WAY,
)
CHANGED_SINCE = Kind(
    "changed-since",
    ERROR,
    "Changed since the transfer: {what}.",
    "Leave this user out, or choose “Leave what was changed since as it is” to undo the rest.",
)
SHARED = Kind(
    "undo-shared",
    ERROR,
    "Some records belong also to the users of {rows} and can be undone only together with them.",
    "Undo these users together, leave this user out, or choose “Leave what was changed since as it is”.",
)
