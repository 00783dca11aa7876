"""Read people.csv or people.xlsx: turn the uploaded bytes into rows and problems, without the database or Django.

One rule applies throughout: a spelling that can be read without loss is accepted with a note, and ambiguous text is an
error with an explanation. The meaning of the IDs (unknown users, users outside the person's views, chains of rows) is
checked in `transfers.validation`.
"""

from transfers.people_csv.columns import (
    COLUMNS,
    EMPLOYEE_ID,
    FROM_USER_ID,
    IDENTIFIERS,
    IDENTITY,
    PEOPLE_CSV,
    PREVIEW,
    RESULT,
    ROW,
    TO_USER_ID,
)
from transfers.people_csv.ids import MAX_ID, bare_text, is_blank, parse_id
from transfers.people_csv.reader import ParsedFile, read
from transfers.people_csv.rows import Row

__all__ = [
    "COLUMNS",
    "EMPLOYEE_ID",
    "FROM_USER_ID",
    "IDENTIFIERS",
    "IDENTITY",
    "MAX_ID",
    "PEOPLE_CSV",
    "PREVIEW",
    "RESULT",
    "ROW",
    "TO_USER_ID",
    "ParsedFile",
    "Row",
    "bare_text",
    "is_blank",
    "parse_id",
    "read",
]
