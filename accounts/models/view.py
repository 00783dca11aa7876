from django.db import models
from django.db.models import Q

from accounts.models.team import Team
from accounts.models.user import User
from tenancy.models import Tenant

ENTERPRISE_VIEW = "EnterpriseView"


class AccessView(models.Model):
    """A set of teams and users that can be seen by the people to whom it is assigned.

    It is called "view" on screen; the model has another name because views in Django are web pages. Each tenant has one
    system view, EnterpriseView, which contains all of the tenant's users.
    """

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="access_views")
    name = models.CharField(max_length=100)
    is_enterprise = models.BooleanField(default=False, editable=False)
    is_active = models.BooleanField("active", default=True)
    teams = models.ManyToManyField(Team, through="AccessViewTeam", related_name="access_views")
    users = models.ManyToManyField(User, through="AccessViewUser", related_name="in_access_views")
    people = models.ManyToManyField(User, through="AccessViewAssignment", related_name="access_views")

    class Meta:
        constraints = [
            models.UniqueConstraint("tenant", "name", name="access_view_name_unique_in_tenant"),
            models.UniqueConstraint(
                "tenant", name="access_view_one_enterprise", condition=Q(is_enterprise=True)
            ),
            models.CheckConstraint(
                name="access_view_enterprise_keeps_its_name",
                condition=Q(is_enterprise=False) | Q(name=ENTERPRISE_VIEW, is_active=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AccessViewTeam(models.Model):
    """A team in a view. The view shows all current and future members of the team."""

    view = models.ForeignKey(AccessView, models.CASCADE)
    team = models.ForeignKey(Team, models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint("view", "team", name="access_view_team_once")]


class AccessViewUser(models.Model):
    """A user who was added to a view individually, regardless of their team."""

    view = models.ForeignKey(AccessView, models.CASCADE)
    user = models.ForeignKey(User, models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint("user", "view", name="access_view_user_once")]


class AccessViewAssignment(models.Model):
    """The assignment of a view to a person, who can then see the users in it."""

    view = models.ForeignKey(AccessView, models.CASCADE, related_name="assignments")
    user = models.ForeignKey(User, models.CASCADE, related_name="access_view_assignments")

    class Meta:
        constraints = [models.UniqueConstraint("user", "view", name="access_view_assigned_once")]
