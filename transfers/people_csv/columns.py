"""The columns of people.csv and people.xlsx, and the sentences about them that the spreadsheet reader shows."""

from spreadsheets.file_kind import FileKind
from wording.problems import Sentence

FROM_USER_ID, TO_USER_ID = "From User ID", "To User ID"
FIRST_NAME, LAST_NAME, USER_NAME, EMAIL = "First Name", "Last Name", "User Name", "Email"
COLUMNS = (FROM_USER_ID, TO_USER_ID, FIRST_NAME, LAST_NAME, USER_NAME, EMAIL, "Active", "Team")
EMPLOYEE_ID = "Employee ID"  # the last column, if any user of the tenant has one
# The columns that say of which user a row is, and the attributes of a row with their texts
IDENTITY = {
    FIRST_NAME: "first_name",
    LAST_NAME: "last_name",
    USER_NAME: "user_name",
    EMAIL: "email",
    EMPLOYEE_ID: "employee_id",
}
# Columns in place of an ID column or beside it, and what their cells hold: attributes of a user
IDENTIFIERS = {
    side: {
        f"{word} {name}": field
        for name, field in ((EMAIL, "email"), (USER_NAME, "username"), (EMPLOYEE_ID, "employee_id"))
    }
    for side, word in ((FROM_USER_ID, "From"), (TO_USER_ID, "To"))
}
# Only in the file of "Download rows with errors", which may be uploaded again: the number of a row in its preview, what
# is wrong with it, and the number of the preview
ROW, RESULT, PREVIEW = "Row in Preview", "Result", "Preview"

START_AGAIN = "Download the list of users again and fill in To User ID."
PEOPLE_CSV = FileKind(
    columns=(
        *(*COLUMNS, EMPLOYEE_ID, ROW, RESULT, PREVIEW),
        *IDENTIFIERS[FROM_USER_ID],
        *IDENTIFIERS[TO_USER_ID],
    ),
    required=(FROM_USER_ID, TO_USER_ID),
    unambiguous=(FROM_USER_ID, TO_USER_ID, *IDENTIFIERS[FROM_USER_ID], *IDENTIFIERS[TO_USER_ID]),
    instead={side: tuple(columns) for side, columns in IDENTIFIERS.items()},
    name=Sentence("The list of users"),
    typed=Sentence("The IDs"),
    choose=Sentence("Choose the people.csv or people.xlsx file you edited, then upload it."),
    start_again=Sentence(START_AGAIN),
    keep_header=Sentence(
        "Keep the column names From User ID and To User ID in row 1 as they are in the list of users."
    ),
)
