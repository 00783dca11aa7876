"""What a transfer does with workforce management records: the target's are overwritten."""

from transfers.rules import Child, Column, DataType, Overwrite
from transfers.workforce.models import (
    AgentRealTimeState,
    AgentSchedule,
    AgentServiceProductivity,
    ScheduleActivity,
)

DATA_TYPES = [
    DataType(
        "Agent Schedules",
        AgentSchedule,
        (Column("user"),),
        Overwrite(),
        "The user's shifts, with the activities in them.",
        children=(Child(ScheduleActivity, "schedule"),),
        demo_rows=90,
    ),
    DataType(
        "Agent/Service Productivity Data (Interval/Day/Week/Month/Year)",
        AgentServiceProductivity,
        (Column("user"),),
        Overwrite(),
        "What the user did for each service, by interval, day, week, month and year.",
        demo_rows=600,
    ),
    DataType(
        "Agent Real Time States",
        AgentRealTimeState,
        (Column("user"),),
        Overwrite(),
        "What the user is doing now.",
        demo_rows=1,
    ),
]
