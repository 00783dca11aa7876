"""What a person can do with transfers: one function each, keyword-only, `by` the person, `address` their IP address.

Each is atomic, writes its audit event in the same transaction, and sends its messages once that is committed. Who may
do it is decided by the doors before; what may be done is judged here.
"""

from transfers.actions.confirming import CannotConfirm, PlanChanged, confirm
from transfers.actions.drafting import start_single, upload
from transfers.actions.late import move_late_arrivals
from transfers.actions.mending import (
    check_again,
    clear_row,
    discard,
    fix_row,
    restore_row,
    swap_direction,
)
from transfers.actions.running import retry, stop

__all__ = [
    "CannotConfirm",
    "PlanChanged",
    "check_again",
    "clear_row",
    "confirm",
    "discard",
    "fix_row",
    "move_late_arrivals",
    "restore_row",
    "retry",
    "start_single",
    "stop",
    "swap_direction",
    "upload",
]
