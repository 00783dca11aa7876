"""Demo values for Duo: its second key has a user other than the owner, so the generator cannot keep it unique."""

from demo.records.draw import Draw, Row
from tests.apps.smallapp.models import Duo


def duo(draw: Draw, row: Row) -> None:
    row["k"] = 1000 * row["caller_id"] + draw.n


VALUES = {Duo: duo}
