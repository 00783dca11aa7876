"""Workforce management (Classic WFM) records, one file per subject.

Each owner column is the first column of an index, which lets a transfer find a user's rows quickly. Foreign keys that
are never searched have no index, because moving a row updates every index of its table.
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
