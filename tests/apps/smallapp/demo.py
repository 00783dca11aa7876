"""Demo rows for a key with the second user of a row, which the generator cannot keep unique."""

from demo.records.draw import Draw, Row
from tests.apps.smallapp.models import Duo


def duo(draw: Draw, row: Row) -> None:
    row["k"] = 1000 * row["caller_id"] + draw.n


VALUES = {Duo: duo}
