"""people.csv out and in: bytes to rows and problems, rows to bytes. No database, no Django.

One rule decides every case: lossless, then accept and say so; ambiguous, then stop and explain. What the ids
mean (unknown, out of view, chains) is judged in ``transfers.validation``; here it is only what the file says.
"""

from transfers.people_csv.columns import COLUMNS, FROM_USER_ID, TO_USER_ID
from transfers.people_csv.ids import MAX_ID, is_blank, parse_id
from transfers.people_csv.intake import MAX_BYTES
from transfers.people_csv.names import names_agree
from transfers.people_csv.reader import ParsedFile, Row, read
from transfers.people_csv.records import MAX_LINES
from transfers.people_csv.rejection import FileRejected
from transfers.people_csv.safe_text import safe_cell, unsafe_cell
from transfers.people_csv.writer import write, write_csv

__all__ = [
    "COLUMNS",
    "FROM_USER_ID",
    "MAX_BYTES",
    "MAX_ID",
    "MAX_LINES",
    "TO_USER_ID",
    "FileRejected",
    "ParsedFile",
    "Row",
    "is_blank",
    "names_agree",
    "parse_id",
    "read",
    "safe_cell",
    "unsafe_cell",
    "write",
    "write_csv",
]
