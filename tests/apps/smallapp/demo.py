"""Demo rows that depend on each other: generated rows cannot keep a key with a row's second user unique."""

from demo.records.draw import Draw, Row
from tests.apps.smallapp.models import Duo


def duo(draw: Draw, row: Row) -> None:
    row["k"] = 1000 * row["caller_id"] + draw.n


VALUES = {Duo: duo}
