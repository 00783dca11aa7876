"""The names of the kinds of events, by which the page of the audit log filters.

A kind that is not listed is its own name: "file-uploaded" is "File uploaded".
"""

from audit.log import KINDS

NAMES = {
    "signed-in": "Sign-in",
    "sign-in-failed": "Failed sign-in",
    "locked-out": "Sign-in locked",
    "signed-out": "Sign-out",
    "factor-added": "Way to sign in added",
    "factor-removed": "Way to sign in removed",
    "recovery-codes-made": "Recovery codes created",
    "password-reset": "Password set by email",
    "users-exported": "people.csv exported",
    "user-list-exported": "Users exported",
    "file-refused": "File rejected",
    "rows-refused": "Pasted rows rejected",
    "row-confirmed": "Name in a row confirmed",
    "rows-corrected": "Corrected rows put into a preview",
    "direction-swapped": "Source and target swapped",
    "draft-discarded": "Preview discarded",
    "draft-expired": "Old preview discarded",
    "rehearsal-stop-requested": "Stop of a rehearsal requested",
    "confirmation-refused": "Confirmation of a transfer refused",
    "pair-succeeded": "User transferred",
    "pair-failed": "User not transferred",
    "stop-requested": "Stop of a transfer requested",
    "late-arrivals-prepared": "Transfer of late arrivals prepared",
    "undo-leaves-changed": "Undo leaves changed records",
    "undo-leaves-nothing": "Undo leaves out users with changed records",
    "pair-undone": "User undone",
    "pair-not-undone": "User not undone",
    "journal-forgotten": "Data for undo deleted",
    "audit-downloaded": "Log of a transfer downloaded",
    "audit-log-downloaded": "Audit log downloaded",
    "audit-verified": "Audit log verified",
    "operator-looked": "Viewed by a server operator",
    "denied": "Access denied",
    "people-synchronised": "Users followed the organisation's view",
}


def kind_name(kind: str) -> str:
    return NAMES.get(kind, kind.replace("-", " ").capitalize())


KIND_CHOICES = sorted(((kind, kind_name(kind)) for kind in KINDS), key=lambda choice: choice[1].casefold())
