"""What a transfer does with quality management records: all of them are combined."""

from transfers.quality.models import (
    CCR,
    ContactGoalPerson,
    ContactGoalProgress,
    Evaluation,
    EvaluationComment,
)
from transfers.rules import Column, Combine, DataType, KeepTarget, Max, Merge, Sum

DATA_TYPES = [
    DataType(
        "CCRs", CCR, (Column("agent"),), Combine(), "Contact call records the user handled.", demo_rows=400
    ),
    DataType(
        "Evaluations - approver and evaluator",
        Evaluation,
        (Column("evaluator"), Column("approver")),
        Combine(),
        "Evaluations the user made or approved.",
        demo_rows=20,
    ),
    DataType(
        "Evaluation Comments",
        EvaluationComment,
        (Column("author"),),
        Combine(),
        "Comments the user wrote on evaluations.",
        demo_rows=30,
    ),
    DataType(
        "Contact Goal Person",
        ContactGoalPerson,
        (Column("person"),),
        Combine(on_clash=KeepTarget()),
        "Contact goals the user is assigned to.",
        demo_rows=3,
    ),
    DataType(
        "Contact Goal Progress",
        ContactGoalProgress,
        (Column("person"),),
        Combine(on_clash=Merge({"recorded": Sum(), "updated_at": Max()})),
        "Contacts recorded for the user's goals, period by period.",
        demo_rows=24,
    ),
]
