"""What a person can do with transfers, one function per action. `by` is the person, `address` their IP address.

Each action changes the database and writes its audit event in one transaction, and messages to workers are sent on
commit. Callers check access first (`transfers.access`); the actions check whether the transfer's state allows the
change. All arguments are keyword-only.
"""

from transfers.actions.confirming import CannotConfirm, PlanChanged, confirm
from transfers.actions.correcting import keep_apart, put_into_original
from transfers.actions.drafting import start_single, upload
from transfers.actions.editing import (
    check_again,
    clear_row,
    confirm_name,
    count_again,
    discard,
    fix_row,
    restore_row,
    swap_direction,
)
from transfers.actions.forgetting import CannotForget, Forgotten, forget
from transfers.actions.group_editing import accept_suggestions, clear_rows, restore_rows
from transfers.actions.late_arrivals import move_late_arrivals
from transfers.actions.rehearsing import rehearse, stop_rehearsal
from transfers.actions.running import retry, stop
from transfers.actions.undoing import CannotUndo, leave_changed, leave_out, take_in, undo

__all__ = [
    "CannotConfirm",
    "CannotForget",
    "CannotUndo",
    "Forgotten",
    "PlanChanged",
    "accept_suggestions",
    "check_again",
    "clear_row",
    "clear_rows",
    "confirm",
    "confirm_name",
    "count_again",
    "discard",
    "fix_row",
    "forget",
    "keep_apart",
    "leave_changed",
    "leave_out",
    "move_late_arrivals",
    "put_into_original",
    "rehearse",
    "restore_row",
    "restore_rows",
    "retry",
    "start_single",
    "stop",
    "stop_rehearsal",
    "swap_direction",
    "take_in",
    "undo",
    "upload",
]
