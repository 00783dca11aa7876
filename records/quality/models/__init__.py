"""Quality management records, one file per subject.

Each owner column is the first column of an index (that of the unique key, if there is one), so that a transfer finds
a user's rows quickly. Foreign keys that are never searched have no index, because moving a row updates every index of
its table.
"""

from records.quality.models.archive import ArchiveAudit, StorageFile, WFOAuditEvent
from records.quality.models.contacts import CCR, LoginState, RecordingCommand
from records.quality.models.evaluations import Evaluation, EvaluationComment, EvaluationForm
from records.quality.models.goals import ContactGoal, ContactGoalPerson, ContactGoalProgress

__all__ = [
    "CCR",
    "ArchiveAudit",
    "ContactGoal",
    "ContactGoalPerson",
    "ContactGoalProgress",
    "Evaluation",
    "EvaluationComment",
    "EvaluationForm",
    "LoginState",
    "RecordingCommand",
    "StorageFile",
    "WFOAuditEvent",
]
