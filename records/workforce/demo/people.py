"""Demo rows of vacation, skills and projects."""

from datetime import timedelta
from decimal import Decimal

from demo.records.draw import DAYS, Draw, Row
from records.workforce.models import (
    AccumulatedVacationHours,
    Project,
    ProjectAssignment,
    Skill,
    SkillMapping,
    VacationType,
)

VACATION = ("Annual leave", "Time in lieu", "Carry-over", "Special leave")
SKILLS = (
    *("English", "Portuguese", "German", "Polish", "Spanish", "French"),
    *("Billing", "Technical support", "Sales", "Complaints", "Claims", "Chat", "Email", "VIP customers"),
)
PROJECTS = (
    *("CRM roll-out", "Peak season", "New IVR", "Quality circle", "Knowledge base", "Onboarding"),
    *("Chatbot pilot", "Move to the new building"),
)


def vacation_hours(draw: Draw, row: Row) -> None:
    """Set vacation in whole and half days. The hours taken never exceed those earned plus those carried over."""
    row["earned_hours"] = Decimal(8 * (2 + draw.below(24)))
    row["carried_over_hours"] = Decimal(8 * draw.below(6))
    half_days = int(row["earned_hours"] + row["carried_over_hours"]) // 4
    row["taken_hours"] = Decimal(4 * draw.below(half_days + 1))


def skill_mapping(draw: Draw, row: Row) -> None:
    row["level"] = draw.pick((1, 1, 1, 2, 2, 3, 4, 5))


def project_assignment(draw: Draw, row: Row) -> None:
    row["hours_per_week"] = Decimal(draw.pick((2, 4, 4, 8, 16)))
    row["starts_on"] = draw.until - timedelta(draw.below(DAYS))
    row["ends_on"] = row["starts_on"] + timedelta(30 + draw.below(180)) if draw.chance(0.6) else None


LOOKUPS = {
    VacationType: [{"name": name} for name in VACATION],
    Skill: [{"name": name} for name in SKILLS],
    Project: [{"name": name} for name in PROJECTS],
}
VALUES = {
    AccumulatedVacationHours: vacation_hours,
    SkillMapping: skill_mapping,
    ProjectAssignment: project_assignment,
}
