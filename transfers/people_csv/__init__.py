"""people.csv in and out: bytes to rows and problems, rows to bytes. No database, no Django.

One rule decides every case: accept what is lossless and say so; stop and explain what is ambiguous. What the ids mean
(unknown, out of view, chains) is checked in `transfers.validation`; here it is only what the file says.
"""

from transfers.people_csv.columns import COLUMNS, FROM_USER_ID, PEOPLE_CSV, TO_USER_ID
from transfers.people_csv.ids import MAX_ID, is_blank, parse_id
from transfers.people_csv.name_check import names_agree
from transfers.people_csv.reader import ParsedFile, Row, read

__all__ = [
    "COLUMNS",
    "FROM_USER_ID",
    "MAX_ID",
    "PEOPLE_CSV",
    "TO_USER_ID",
    "ParsedFile",
    "Row",
    "is_blank",
    "names_agree",
    "parse_id",
    "read",
]
