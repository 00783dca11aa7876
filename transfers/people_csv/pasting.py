"""Turn two columns pasted from a spreadsheet into the bytes of a people.csv."""

from dataclasses import replace

from spreadsheets.columns import column_key
from spreadsheets.rejection import FileRejected
from transfers.people_csv.columns import FROM_USER_ID, PEOPLE_CSV, TO_USER_ID
from transfers.people_csv.problem_kinds import NOTHING_PASTED, ONE_COLUMN, PASTE_AGAIN
from wording.problems import Problem

FILE_NAME = "Pasted rows"
DELIMITERS = ("\t", ";", ",")  # spreadsheets copy cells with tabs between them


def pasted_file(text: str) -> bytes:
    """Return the file, in UTF-8. Text without column names gets those of the two ID columns in a row above.

    Raises FileRejected if the text is blank, or has only one column: with a space between them, two IDs look like one
    number.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((one for one in DELIMITERS if one in first), "\t")
    known = {column_key(column) for column in PEOPLE_CSV.columns}
    if not first:
        raise FileRejected(NOTHING_PASTED())
    if known.isdisjoint(map(column_key, first.split(delimiter))):
        if delimiter not in first:
            raise FileRejected(ONE_COLUMN())
        text = f"{FROM_USER_ID}{delimiter}{TO_USER_ID}\n{text}"
    return text.encode("utf-8", "replace")


def of_paste(problem: Problem) -> Problem:
    """Return the problem of a rejected file with a remedy that fits pasted rows."""
    return replace(problem, remedy=PASTE_AGAIN)
