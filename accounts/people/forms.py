"""The forms of the Users, Views and Roles pages. They offer only permitted choices; the actions enforce the rules."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import AccessView, Role, Team, User
from accounts.people.actions import Refused, Stale, UserFields
from accounts.people.changes import Difference, State, Value, differences, fingerprint, names_of
from accounts.permissions import Permission
from accounts.scope import roles_within_reach, sees_everything, views_within_reach, visible_teams
from wording.display_text import hides

GONE = "One of the choices is no longer available. Choose again."


def only_visible_characters(text: str) -> None:
    if any(map(hides, text)):
        raise ValidationError("This contains invisible characters. Type it again.")


def is_an_address(text: str) -> None:
    """Raise ValidationError unless the text has the form of an email address, in letters of any script."""
    if not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", text):
        raise ValidationError("This is not an email address. Enter one like ana@example.com.")


def text(
    label: str,
    length: int,
    *,
    required: bool = False,
    help_text: str = "",
    checked_by: Callable[[str], None] | None = None,
    kind: str = "text",
) -> forms.CharField:
    missing = {"required": f"Enter a {label.lower()}."}
    further = [checked_by] if checked_by else []
    return forms.CharField(
        label=label,
        max_length=length,
        required=required,
        help_text=help_text,
        validators=[only_visible_characters, *further],
        error_messages=missing,
        widget=forms.TextInput({"type": kind, "autocomplete": "off", "spellcheck": "false"}),
    )


class RoleChoices(forms.ModelMultipleChoiceField):
    def label_from_instance(self, role: Any) -> SafeString:
        return format_html('{}<br><span class="hint">{}</span>', role.name, labels_of(role.permissions))


def labels_of(permissions: Iterable[str]) -> str:
    labels = dict(Permission.choices)
    return ", ".join(labels[code] for code in permissions)


def several(choices: Any, label: str, help_text: str = "", **options: Any) -> Any:
    kind = options.pop("kind", forms.ModelMultipleChoiceField)
    return kind(
        choices,
        label=label,
        help_text=help_text,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": GONE, "invalid_pk_value": GONE, "invalid_list": GONE},
    )


class AdministrationForm(forms.Form):
    """A form that detects, by the fingerprint in `was`, that someone else changed the object after the form was opened.

    The labels of its fields are the keys of the states in `accounts.people.changes`. `overwrites` lists the changes of
    the other person that saving the form would undo.
    """

    overwrites: Sequence[Difference] = ()

    was = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)

    def refuse(self, refused: Refused) -> None:
        """Add each sentence to its field, or above the form if the form does not have the field."""
        for name, sentence in refused.sentences.items():
            self.add_error(name if name in self.fields else None, sentence)

    def show_conflict(self, stale: Stale) -> None:
        """Show what saving would overwrite, and accept the form when it is sent again."""
        self.overwrites = differences(stale.now, self.state(stale.now))
        sent = cast(QueryDict, self.data).copy()
        sent["was"] = fingerprint(stale.now)
        self.data = sent
        self.refuse(stale)

    def state(self, now: State) -> State:
        """Return the state that saving would produce from the state `now`."""
        shown = [name for name in self.fields if name != "was"]
        return {**now, **{str(self.fields[name].label): self.value_of(name, now) for name in shown}}

    def value_of(self, name: str, now: State) -> Value:
        """Return one field of `state`, formatted as in `accounts.people.changes`."""
        given = self.cleaned_data.get(name)
        match self.fields[name]:
            case forms.BooleanField():
                return "yes" if given else "no"
            case forms.ModelMultipleChoiceField(label=label):
                return self.chosen(name, now.get(str(label), ()))
            case forms.MultipleChoiceField():
                labels = dict(Permission.choices)
                return names_of(labels[code] for code in given or ())
        return str(given or "")

    def chosen(self, name: str, now: Iterable[str]) -> tuple[str, ...]:
        """Return the chosen names, and the current names that the form does not offer and therefore keeps."""
        kept = set(now) - {str(entry) for entry in self.offered(name)}
        return names_of(kept | {str(entry) for entry in self.cleaned_data.get(name, ())})

    def offered(self, name: str) -> QuerySet[Any]:
        return cast("QuerySet[Any]", self.objects_field(name).queryset)

    def objects_field(self, name: str) -> "forms.ModelChoiceField[Any]":
        """Return the model choice field `name`, cast to its type for the type checker."""
        return cast("forms.ModelChoiceField[Any]", self.fields[name])


class UserForm(AdministrationForm):
    """The form for a user, filled in by `person`.

    If `person` edits their own account, the form has no fields for team, active state, roles and views.
    """

    username = text(
        "User name",
        254,
        required=True,
        help_text="Used to sign in. May be an email address. Must be unique.",
    )
    first_name = text("First name", 150)
    last_name = text("Last name", 150)
    email = text(
        "Email",
        254,
        help_text="The link for setting a password is sent to this address.",
        checked_by=is_an_address,
        kind="email",
    )
    employee_id = text("Employee ID", 64)
    team = forms.ModelChoiceField(
        Team.objects.none(),
        label="Team",
        required=False,
        empty_label="No team",
        error_messages={"invalid_choice": GONE},
    )
    is_active = forms.BooleanField(
        label="Active",
        required=False,
        initial=True,
        help_text="Inactive users cannot sign in and are signed out at once. Running transfers skip them.",
    )
    roles = several(
        Role.objects.none(),
        "Roles",
        "What the user may do. Roles with permissions that you do not have are not listed.",
        kind=RoleChoices,
    )
    views = several(
        AccessView.objects.none(),
        "Views",
        "Which users this user may see. Views with users that you cannot see are not listed.",
    )

    def __init__(self, *args: Any, person: User, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.objects_field("team").queryset = teams_for(person, user)
        self.objects_field("roles").queryset = roles_within_reach(person).order_by("name")
        self.objects_field("views").queryset = views_within_reach(person).order_by("-is_enterprise", "name")
        if not sees_everything(person) and (user is None or user.team_id):
            self.fields["team"].required = True
            self.fields["team"].error_messages["required"] = "Choose a team from your views."
        if user == person:
            for name in ("team", "is_active", "roles", "views"):
                del self.fields[name]

    @property
    def values(self) -> UserFields:
        """The submitted values, with the stored value for each field that the form does not have."""
        data = self.cleaned_data
        own = self.user if "roles" not in self.fields else None
        team = own.team if own else data["team"]
        return UserFields(
            **{name: data[name] for name in ("username", "first_name", "last_name", "email", "employee_id")},
            team_id=team.pk if team else None,
            is_active=own.is_active if own else data["is_active"],
            roles=frozenset(self.ids_of("roles")),
            views=frozenset(self.ids_of("views")),
        )

    def ids_of(self, name: str) -> Iterable[int]:
        """Return the chosen ids, and those that the user already has but the form does not offer."""
        held = {"roles": "roles", "views": "access_views"}[name]
        stored = set(getattr(self.user, held).values_list("pk", flat=True)) if self.user else set()
        if name not in self.fields:
            return stored
        offered = set(self.offered(name).values_list("pk", flat=True))
        return (stored - offered) | {entry.pk for entry in self.cleaned_data[name]}


def teams_for(person: User, user: User | None) -> QuerySet[Team]:
    """Return the teams in the person's views, and the user's current team."""
    own = Team.objects.filter(pk=user.team_id) if user and user.team_id else Team.objects.none()
    return (visible_teams(person) | own).distinct().order_by("name")


class ViewForm(AdministrationForm):
    """The form for a view: its name, active state and teams."""

    name = text("Name", 100, required=True)
    is_active = forms.BooleanField(
        label="Active",
        required=False,
        initial=True,
        help_text="An inactive view shows no users.",
    )
    teams = several(
        Team.objects.none(), "Teams", "All current and future members of these teams are in the view."
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.objects_field("teams").queryset = visible_teams(person).order_by("name")

    @property
    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        teams = [team.pk for team in data["teams"]]
        return {"name": data["name"], "is_active": data["is_active"], "teams": teams}


class RoleForm(AdministrationForm):
    """The form for a role: its name and permissions. Permissions that the person lacks are not offered."""

    name = text("Name", 100, required=True)
    permissions = forms.MultipleChoiceField(
        label="Permissions",
        widget=forms.CheckboxSelectMultiple,
        help_text="What users with this role may do. Permissions that you do not have are not listed.",
        error_messages={"invalid_choice": GONE, "required": "Choose at least one permission."},
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [choice for choice in Permission.choices if choice[0] in person.permissions]
        cast(forms.MultipleChoiceField, self.fields["permissions"]).choices = offered

    @property
    def values(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"], "permissions": self.cleaned_data["permissions"]}
