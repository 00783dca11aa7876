"""Quality management records, a file for each subject.

Each owner column leads an index, a unique one where there is a key, so that a transfer finds its rows at once. A
foreign key by which nothing is looked up has none: every index of a table is written again for each row that moves.
"""

from transfers.quality.models.archive import ArchiveAudit, StorageFile, WFOAuditEvent
from transfers.quality.models.contacts import CCR, LoginState, RecordingCommand
from transfers.quality.models.evaluations import Evaluation, EvaluationComment, EvaluationForm
from transfers.quality.models.goals import ContactGoal, ContactGoalPerson, ContactGoalProgress

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
