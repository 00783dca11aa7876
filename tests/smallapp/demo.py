"""Demo rows that have to know of each other: a key with the second user of a row is beyond what is made up."""

from tests.smallapp.models import Duo
from transfers.demo.draw import Draw, Row


def duo(draw: Draw, row: Row) -> None:
    row["k"] = 1000 * row["caller_id"] + draw.n


VALUES = {Duo: duo}
