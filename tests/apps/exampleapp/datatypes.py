"""Data types of the example app: headsets and the door log."""

from tests.apps.exampleapp.models import DoorEvent, Headset
from transfers.rules import Column, Combine, DataType, Latest

DATA_TYPES = [
    DataType(
        "Headsets",
        Headset,
        (Column("holder"),),
        Combine(on_clash=Latest("lent_at")),
        "Headsets on loan to the user.",
        demo_rows=1,
    ),
    DataType(
        "Door Log",
        DoorEvent,
        (Column("employee_no", holds="employee_id", tenant="tenant"),),
        Combine(),
        "The doors that the user opened.",
        history=True,
    ),
]
