"""The forms of the transfer pages: the choice of a pair of users, and the confirmation."""

from typing import Any

from django import forms

from accounts.people.search import LARGEST_ID


class UserIdField(forms.RegexField):
    """A user ID of ASCII digits that fits into a bigint. `int()` alone would accept other spellings and any size."""

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
    """The choices on the page of a single transfer, which are part of its URL. Invalid values count as not chosen.

    `target_q` and `source_q` are the search texts if scripts are disabled.
    """

    source = UserIdField(required=False)
    target = UserIdField(required=False)
    inactive = forms.BooleanField(required=False)
    source_q = forms.CharField(required=False, max_length=200)
    target_q = forms.CharField(required=False, max_length=200)
    swap = forms.BooleanField(required=False)


class ConfirmForm(forms.Form):
    """The confirmation of a transfer. `plan_hash` identifies the plan that was shown to the person.

    `transferred` and `deleted` are the totals that were shown. They are used only to report what has changed.
    """

    plan_hash = forms.CharField(max_length=64)
    transferred = forms.IntegerField(required=False)
    deleted = forms.IntegerField(required=False)
    checked = forms.BooleanField(error_messages={"required": "Check the direction, then tick the box."})
    typed_count = forms.CharField(max_length=20, strip=True)

    def __init__(self, *args: Any, bulk: bool, **kwargs: Any) -> None:
        """Keep only one of the two fields: `typed_count` for a bulk transfer, `checked` for a single transfer."""
        super().__init__(*args, **kwargs)
        del self.fields["checked" if bulk else "typed_count"]
        if bulk:
            self.fields["typed_count"].error_messages["required"] = "Type the number of users to confirm."

    def clean_typed_count(self) -> int:
        """Return the typed number, or 0 for any other text, because 0 never matches the number of users."""
        typed = self.cleaned_data["typed_count"].replace(",", "")
        return int(typed) if typed.isascii() and typed.isdigit() else 0

    @property
    def sentences(self) -> list[str]:
        """The errors of the form, as sentences for the confirmation."""
        missing = [str(text) for name in ("checked", "typed_count") for text in self.errors.get(name, ())]
        incomplete = ["The form was incomplete. Nothing was started. Check the numbers and confirm again."]
        return missing or (incomplete if self.errors else [])
