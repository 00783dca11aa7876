"""Vacation, skills and projects of agents."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from accounts.models import User
from tenancy.models import Tenant


class VacationType(models.Model):
    """A type of vacation, such as annual leave or time in lieu."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="vacation_type_name_unique")]


class AccumulatedVacationHours(models.Model):
    """How many hours of one type of vacation a user earned in a year, and how many they took."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    vacation_type = models.ForeignKey(VacationType, models.PROTECT, related_name="+", db_index=False)
    year = models.PositiveSmallIntegerField()
    earned_hours = models.DecimalField(max_digits=6, decimal_places=2)
    taken_hours = models.DecimalField(max_digits=6, decimal_places=2, default=0)
    carried_over_hours = models.DecimalField(max_digits=6, decimal_places=2, default=0)

    class Meta:
        verbose_name_plural = "accumulated vacation hours"
        constraints = [
            models.UniqueConstraint("user", "vacation_type", "year", name="accumulated_vacation_hours_once"),
        ]


class Skill(models.Model):
    """A language, product or channel that an agent may need for handling a contact."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="skill_name_unique")]


class SkillMapping(models.Model):
    """An agent's level in a skill. Level 1 is the best: agents with level 1 get contacts first."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+", db_index=False)
    level = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(10)])
    valid_from = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint("user", "skill", name="skill_mapping_once")]


class Project(models.Model):
    """A project that agents work on in addition to handling contacts."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="project_name_unique")]


class ProjectAssignment(models.Model):
    """The assignment of an agent to a project."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_index=False)
    hours_per_week = models.DecimalField(max_digits=4, decimal_places=1)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint("user", "project", name="project_assignment_once")]
