from tests.harness.chaos.foreign.models import Booking, Case, CaseFile, CasePage, Meter, Pledge, Rota
from transfers.rules import Child, Column, Combine, DataType, KeepTarget, Merge, Overwrite, Sum

OWNER = (Column("owner"),)
DATA_TYPES = [
    DataType("Rotas", Rota, OWNER, Combine(on_clash=KeepTarget()), "Slots of a rota.", demo_rows=5),
    DataType("Bookings", Booking, OWNER, Combine(on_clash=KeepTarget()), "Booked desks.", demo_rows=5),
    DataType("Meters", Meter, OWNER, Combine(on_clash=Merge({"n": Sum()})), "Numbers by day.", demo_rows=5),
    DataType("Pledges", Pledge, OWNER, Combine(), "Pledged amounts.", demo_rows=2),
    DataType(
        "Legacy Cases",
        Case,
        OWNER,
        Overwrite(),
        "Cases of the former system.",
        children=(Child(CaseFile, "case", children=(Child(CasePage, "file"),)),),
        demo_rows=5,
    ),
]
