from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Concat, Lower

from accounts.models.team import Team
from accounts.permissions import Permission
from tenancy.models import Tenant
from wording.display_text import visible


class Plain(Func):
    """Converts text to lower case without accents, with the `unaccent` wrapper that the first migration creates."""

    function = "accounts_plain"
    output_field = models.TextField()


def joined(*fields: str) -> Concat:
    """Return an expression that joins the fields with spaces."""
    parts = [part for field in fields for part in (Value(" "), F(field))]
    return Concat(*parts[1:], output_field=models.TextField())


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, *, tenant: Tenant, username: str, password: str | None = None, **fields: Any
    ) -> "User":
        user = self.model(tenant=tenant, username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username__iexact=username)


class User(AbstractBaseUser):
    """A user of a tenant: an agent whose records can be transferred, a person who signs in, or both.

    `username` may be an email address or a login. It is unique across all tenants, ignoring case, because the sign-in
    page does not ask for the tenant.

    `external_id` is the ID of the person in the organisation's own tables. Only `accounts.people.from_view` sets it.
    """

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="users")
    username = models.CharField("user name", max_length=254)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    employee_id = models.CharField("employee ID", max_length=64, blank=True)
    external_id = models.CharField(
        "external ID", max_length=200, blank=True, default="", db_default="", editable=False
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="members")
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    sort_name = models.GeneratedField(
        expression=Plain(joined("first_name", "last_name")),
        output_field=models.TextField(),
        db_persist=True,
    )
    search_text = models.GeneratedField(
        expression=Plain(joined("first_name", "last_name", "username", "email")),
        output_field=models.TextField(),
        db_persist=True,
    )

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_unique"),
            models.UniqueConstraint(Lower("email"), name="user_email_unique", condition=~Q(email="")),
            models.UniqueConstraint(
                "tenant",
                "employee_id",
                name="user_employee_id_unique_in_tenant",
                condition=~Q(employee_id=""),
            ),
            # The ID comes first: transfers look it up in all tenants, too.
            models.UniqueConstraint(
                "external_id",
                "tenant",
                name="user_external_id_unique_in_tenant",
                condition=~Q(external_id=""),
            ),
        ]
        indexes = [
            models.Index("tenant", "sort_name", "id", name="user_by_name"),
            GinIndex(OpClass("search_text", "gin_trgm_ops"), name="user_search"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The display name: "Ana Díaz", or the user name if both names are empty."""
        return visible(f"{self.first_name} {self.last_name}".strip() or self.username)

    @property
    def team_name(self) -> str:
        return self.team.name if self.team else ""

    def has_usable_password(self) -> bool:
        """Return False for an empty password too, unlike Django, because imports may leave the password empty."""
        return bool(self.password) and super().has_usable_password()

    @cached_property
    def permissions(self) -> frozenset[str]:
        """All permissions from the user's roles, read in one query and then cached."""
        lists = self.roles.values_list("permissions", flat=True)
        return frozenset(code for codes in lists for code in codes)

    @cached_property
    def active_views(self) -> dict[int, bool]:
        """The active views assigned to the user, as {ID: is it EnterpriseView}, read in one query and then cached.

        Load the user again where a decision must not depend on views that were removed in the meantime.
        """
        views = self.access_views.filter(tenant_id=self.tenant_id, is_active=True)
        return dict(views.values_list("pk", "is_enterprise"))

    def may(self, permission: Permission) -> bool:
        return self.is_active and permission.value in self.permissions
