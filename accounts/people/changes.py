"""The state of a user, view or role before and after a change, for the audit log and to detect stale pages."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from accounts.models import AccessView, Role, User
from accounts.permissions import Permission

Value = str | tuple[str, ...]
State = Mapping[str, Value]  # maps each label on screen to a text or to any number of names
MAX_NAMES = 10  # the most names in a sentence; the audit event stores all


@dataclass(frozen=True)
class Difference:
    """A changed field, with its values as shown on screen."""

    field: str
    before: Value
    after: Value

    def __str__(self) -> str:
        if isinstance(self.before, tuple) and isinstance(self.after, tuple):
            return f"{self.field}: {'; '.join(self.steps(self.before, self.after))}"
        return f"{self.field}: {self.before or 'none'} → {self.after or 'none'}"

    def steps(self, before: Sequence[str], after: Sequence[str]) -> list[str]:
        added = [name for name in after if name not in before]
        removed = [name for name in before if name not in after]
        return [
            f"{word} {listed(names)}" for word, names in (("added", added), ("removed", removed)) if names
        ]


@dataclass(frozen=True)
class Change:
    """A change to record in the audit log.

    `kind` is the kind of the event, such as "user-changed". `name` is the name before the change, or that of a new
    object.
    """

    kind: str
    subject_id: int
    name: str
    differences: Sequence[Difference] = field(default=())


def listed(names: Collection[str]) -> str:
    """Return a text like "Ana (3), Bo (4)". After ten names, the text gives only the number of the others."""
    shown = ", ".join(list(names)[:MAX_NAMES])
    return f"{shown} and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else shown


def differences(before: State, after: State) -> list[Difference]:
    """Return the changed fields. `before` is {} for a new object, and `after` is {} for a deleted one."""
    found = []
    for name in {**before, **after}:
        nothing: Value = () if isinstance({**before, **after}[name], tuple) else ""
        change = Difference(name, before.get(name, nothing), after.get(name, nothing))
        if change.before != change.after:
            found.append(change)
    return found


def fingerprint(state: State) -> str:
    """Return a hash of the state. Forms use it to detect that someone else has changed the object in the meantime."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


# --- The states ----------------------------------------------------------------------------------------------------


def state_of_user(user: User) -> dict[str, Value]:
    return attributes_of(user) | {
        "Team": user.team.name if user.team else "",
        "Roles": names_of(role.name for role in user.roles.all()),
        "Views": names_of(view.name for view in user.access_views.all()),
    }


def attributes_of(user: User) -> dict[str, Value]:
    return {
        "User name": user.username,
        "First name": user.first_name,
        "Last name": user.last_name,
        "Email": user.email,
        "Employee ID": user.employee_id,
        "Active": "yes" if user.is_active else "no",
    }


def state_of_view(view: AccessView) -> dict[str, Value]:
    """Return the view's state. Links to individual users are left out, because they are changed one at a time."""
    return {
        "Name": view.name,
        "Active": "yes" if view.is_active else "no",
        "Teams": names_of(team.name for team in view.teams.all()),
    }


def state_of_role(role: Role) -> dict[str, Value]:
    labels = dict(Permission.choices)
    return {"Name": role.name, "Permissions": names_of(labels[code] for code in role.permissions)}


def names_of(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def numbered(user: User) -> str:
    return f"{user.name} ({user.pk})"
