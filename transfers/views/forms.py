"""Forms of the transfer pages: a pair of users, and the confirmation."""

from typing import Any

from django import forms

from accounts.people.search import LARGEST_ID


class UserIdField(forms.RegexField):
    """A user id as pages send it: ASCII digits within bigint. `int()` alone accepts much more."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"\A[0-9]{1,19}\Z", **kwargs)

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        if int(text) > LARGEST_ID:
            raise forms.ValidationError(self.error_messages["invalid"])
        return int(text)


class PairForm(forms.Form):
    """The state of the single page, which is in its URL. Invalid values count as not chosen.

    `target_q` and `source_q` are the searches typed without scripts.
    """

    source = UserIdField(required=False)
    target = UserIdField(required=False)
    inactive = forms.BooleanField(required=False)
    source_q = forms.CharField(required=False, max_length=200)
    target_q = forms.CharField(required=False, max_length=200)
    swap = forms.BooleanField(required=False)


class ConfirmForm(forms.Form):
    """The confirmation. `plan_hash` identifies the plan the person was shown.

    `combined` and `deleted` are the totals shown, used only to report what changed.
    """

    plan_hash = forms.CharField(max_length=64)
    combined = forms.IntegerField(required=False)
    deleted = forms.IntegerField(required=False)
    checked = forms.BooleanField(
        error_messages={"required": "Check the direction, then tick the box: this cannot be undone."}
    )
    typed_count = forms.CharField(max_length=20, strip=True)

    def __init__(self, *args: Any, bulk: bool, **kwargs: Any) -> None:
        """A bulk transfer needs the typed number of users, a single one the ticked box about the direction."""
        super().__init__(*args, **kwargs)
        del self.fields["checked" if bulk else "typed_count"]
        if bulk:
            self.fields["typed_count"].error_messages["required"] = "Type the number of users to confirm."

    def clean_typed_count(self) -> int:
        """Anything but a number becomes 0, which never matches."""
        typed = self.cleaned_data["typed_count"].replace(",", "")
        return int(typed) if typed.isascii() and typed.isdigit() else 0

    @property
    def sentences(self) -> list[str]:
        """What is missing, as sentences for the window."""
        missing = [str(text) for name in ("checked", "typed_count") for text in self.errors.get(name, ())]
        incomplete = ["The form was incomplete. Nothing was started. Check the numbers and confirm again."]
        return missing or (incomplete if self.errors else [])
