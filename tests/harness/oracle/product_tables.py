"""Unique keys and column sizes of the product's tables, written by hand from the schema."""

from tests.harness.oracle.small_tables import keyed_by
from tests.harness.oracle.world import Key, Row, Table


def is_open(row: Row) -> bool:
    return row["acknowledged_at"] is None


PRODUCT_TABLES = {
    "accounts_accessviewassignment": keyed_by("user_id", "view_id"),
    "quality_contactgoal": Table(keys=(Key("name", ("owner_id", "name")),), length={"name": 200}),
    "quality_contactgoalperson": keyed_by("person_id", "goal_id"),
    "quality_contactgoalprogress": Table(
        keys=(Key("once", ("person_id", "goal_id", "period")),), bits={"recorded": 32}
    ),
    "quality_evaluation": Table(),
    "quality_evaluationcomment": Table(),
    "quality_ccr": Table(),
    "quality_loginstate": Table(),
    "quality_recordingcommand": Table(),
    "quality_storagefile": keyed_by("path"),
    "quality_archiveaudit": Table(),
    "quality_wfoauditevent": Table(),
    "workforce_accumulatedvacationhours": keyed_by("user_id", "vacation_type_id", "year"),
    "workforce_agentgroupdayallocation": keyed_by("user_id", "team_id", "date"),
    "workforce_agentofflineactivityhours": keyed_by("user_id", "activity_id", "date"),
    "workforce_agentproductivity": keyed_by("user_id", "granularity", "starts_at"),
    "workforce_agentrealtimestate": keyed_by("user_id"),
    "workforce_agentschedule": keyed_by("user_id", "date"),
    "workforce_agentserviceproductivity": keyed_by("user_id", "service_id", "granularity", "starts_at"),
    "workforce_agentworkhours": keyed_by("user_id", "weekday"),
    "workforce_agentworkshift": keyed_by("user_id", "starts_on"),
    "workforce_alert": Table(keys=(Key("open", ("user_id", "rule_id"), covers=is_open),)),
    "workforce_assignedexception": Table(),
    "workforce_historicalactivity": Table(),
    "workforce_projectassignment": keyed_by("user_id", "project_id"),
    "workforce_scheduleactivity": Table(),
    "workforce_skillmapping": keyed_by("user_id", "skill_id"),
    "workforce_usermessagingrequest": Table(),
    "workforce_usermessagingrequestcomment": Table(),
    "workforce_userserverrequest": Table(),
    "workforce_workflowcondition": Table(),
}
