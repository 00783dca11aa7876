"""The users of these tests, each named by one letter.

The pairs are S → T and U → V. X is in no pair. O belongs to another tenant and has the same employee ID as S.
"""

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import UUIDField

from accounts.models import Team, User
from accounts.permissions import TRANSFER_ADMINISTRATOR
from tenancy.models import Tenant
from tests.fixtures.cast import enterprise_view, person
from transfers.rules import DataType

LETTERS = "STUVX"
SOURCES = "SU"
FOREIGNER = "O"


class Who(NamedTuple):
    """A placeholder for a user in a generated row. `People.spell` replaces it with the value that the column stores."""

    letter: str
    spelled: str = "id"


class People:
    def __init__(self) -> None:
        self.here, self.there = Tenant.objects.create(name="Here"), Tenant.objects.create(name="There")
        team = Team.objects.create(tenant=self.here, name="Team")
        self.by = person(self.here, "Ada Admin", TRANSFER_ADMINISTRATOR, enterprise_view(self.here))
        self.users = {letter: made(self.here, letter, f"E-{letter}", team) for letter in LETTERS}
        self.users[FOREIGNER] = made(self.there, FOREIGNER, "E-S", None)
        self.pairs = [(self["S"], self["T"]), (self["U"], self["V"])]

    def __getitem__(self, letter: str) -> User:
        return self.users[letter]

    def spell(self, value: Any) -> Any:
        """Return the value with every `Who` replaced by what the database stores for that user."""
        if isinstance(value, Who):
            user = self[value.letter]
            spellings = {"text": lambda: str(user.pk), "number": lambda: int(user.external_id)}
            spellings["padded"] = lambda: user.external_id.ljust(40)
            return spellings.get(value.spelled, lambda: getattr(user, value.spelled))()
        if isinstance(value, dict):
            return {name: self.spell(inner) for name, inner in value.items()}
        return [self.spell(inner) for inner in value] if isinstance(value, list) else value

    def suit(self, entry: DataType) -> None:
        """Give the users UUIDs as external IDs if the data type stores these in columns of that type."""
        if has_uuids(entry):
            for user in self.users.values():
                user.external_id = str(UUID(int=int(user.external_id)))
                user.save()


def has_uuids(entry: DataType) -> bool:
    fields: list[Any] = [entry.model._meta.get_field(owner.field) for owner in entry.owners]
    return any(isinstance(getattr(field, "base_field", field), UUIDField) for field in fields)


def made(tenant: Tenant, letter: str, employee_id: str, team: Team | None) -> User:
    return User.objects.create(
        tenant=tenant,
        team=team,
        username=f"login-{letter}",
        first_name=letter,
        employee_id=employee_id,
        external_id=str(101 + f"{LETTERS}{FOREIGNER}".index(letter)),
        is_active=letter not in SOURCES,  # an active source would add a warning that was not confirmed
    )
