"""Quality management records, one file per subject.

Each owner column leads an index (of the unique key where there is one), so that a transfer finds its rows quickly.
Foreign keys that are never searched have no index: every moved row rewrites all indexes of its table.
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
