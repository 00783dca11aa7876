"""Demo values for Duo. The generator cannot prevent duplicates under Duo's second unique key, because the user in that
key is not the row's first owner.
"""

from demo.records.draw import Draw, Row
from tests.apps.smallapp.models import Duo


def duo(draw: Draw, row: Row) -> None:
    row["k"] = 1000 * row["caller_id"] + draw.n


VALUES = {Duo: duo}
