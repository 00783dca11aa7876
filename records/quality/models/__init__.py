"""Quality management records, a file for each subject.

Each owner column leads an index, which a transfer needs to find its rows. Foreign keys that are never looked up have no
index, because each index is updated for every row that moves.
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
