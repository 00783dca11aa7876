"""Workforce management (Classic WFM) records, a file for each subject.

Each owner column leads an index, a unique one where there is a key, so that a transfer finds its rows at once. A
foreign key by which nothing is looked up has none: every index of a table is written again for each row that moves.
"""

from transfers.workforce.models.activities import (
    AgentOfflineActivityHours,
    AgentRealTimeState,
    HistoricalActivity,
    OfflineActivity,
)
from transfers.workforce.models.automation import (
    Alert,
    AlertRule,
    UserServerRequest,
    Workflow,
    WorkflowCondition,
)
from transfers.workforce.models.messaging import UserMessagingRequest, UserMessagingRequestComment
from transfers.workforce.models.people import (
    AccumulatedVacationHours,
    Project,
    ProjectAssignment,
    Skill,
    SkillMapping,
    VacationType,
)
from transfers.workforce.models.productivity import (
    AgentProductivity,
    AgentServiceProductivity,
    Granularity,
    Service,
)
from transfers.workforce.models.scheduling import (
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
