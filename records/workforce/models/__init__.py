"""Workforce management (Classic WFM) records, a file for each subject.

Each owner column leads an index, which a transfer needs to find its rows. Foreign keys that are never looked up have no
index, because each index is updated for every row that moves.
"""

from records.workforce.models.activities import (
    AgentOfflineActivityHours,
    AgentRealTimeState,
    HistoricalActivity,
    OfflineActivity,
)
from records.workforce.models.automation import (
    Alert,
    AlertRule,
    UserServerRequest,
    Workflow,
    WorkflowCondition,
)
from records.workforce.models.messaging import UserMessagingRequest, UserMessagingRequestComment
from records.workforce.models.people import (
    AccumulatedVacationHours,
    Project,
    ProjectAssignment,
    Skill,
    SkillMapping,
    VacationType,
)
from records.workforce.models.productivity import (
    AgentProductivity,
    AgentServiceProductivity,
    Granularity,
    Service,
)
from records.workforce.models.scheduling import (
    AgentGroupDayAllocation,
    AgentSchedule,
    AgentWorkHours,
    AgentWorkShift,
    AssignedException,
    ExceptionType,
    ScheduleActivity,
)

__all__ = [
    "AccumulatedVacationHours",
    "AgentGroupDayAllocation",
    "AgentOfflineActivityHours",
    "AgentProductivity",
    "AgentRealTimeState",
    "AgentSchedule",
    "AgentServiceProductivity",
    "AgentWorkHours",
    "AgentWorkShift",
    "Alert",
    "AlertRule",
    "AssignedException",
    "ExceptionType",
    "Granularity",
    "HistoricalActivity",
    "OfflineActivity",
    "Project",
    "ProjectAssignment",
    "ScheduleActivity",
    "Service",
    "Skill",
    "SkillMapping",
    "UserMessagingRequest",
    "UserMessagingRequestComment",
    "UserServerRequest",
    "VacationType",
    "Workflow",
    "WorkflowCondition",
]
