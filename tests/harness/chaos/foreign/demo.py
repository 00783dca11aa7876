"""Demo values that are the same for every user, so that the rows of most pairs conflict."""

from demo.records.draw import Draw, Row
from tests.harness.chaos.foreign.models import Booking, Case, Meter, Rota


def slot(draw: Draw, row: Row) -> None:
    row["slot"] = draw.n


def day(draw: Draw, row: Row) -> None:
    row["day"] = draw.n


def title(draw: Draw, row: Row) -> None:
    row["title"] = f"Case {draw.n}"


VALUES = {Rota: slot, Booking: slot, Meter: day, Case: title}
