"""Demo values for Duo: its second unique key contains a user other than the row's owner, so the generator cannot keep
it unique.
"""

from demo.records.draw import Draw, Row
from tests.apps.smallapp.models import Duo


def duo(draw: Draw, row: Row) -> None:
    row["k"] = 1000 * row["caller_id"] + draw.n


VALUES = {Duo: duo}
