"""What is read from the pages of transfers: two users, and a confirmation."""

from typing import Any

from django import forms

from accounts.search import LARGEST_ID


class UserIdField(forms.RegexField):
    """A user id as the pages write it: ASCII digits, a positive bigint; `int()` alone would read much more."""

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
    """What the single page holds, as it stands in its URL; what cannot be read counts as not chosen.

    `target_q` and `source_q` are what was typed to find a user where no script runs.
    """

    source = UserIdField(required=False)
    target = UserIdField(required=False)
    inactive = forms.BooleanField(required=False)
    source_q = forms.CharField(required=False, max_length=200)
    target_q = forms.CharField(required=False, max_length=200)
    swap = forms.BooleanField(required=False)


class ConfirmForm(forms.Form):
    """The confirmation window. `plan_hash` is what the person was shown.

    `combined` and `deleted` are the numbers that were shown, only to say afterwards what changed.
    """

    plan_hash = forms.CharField(max_length=64)
    combined = forms.IntegerField(required=False)
    deleted = forms.IntegerField(required=False)
    checked = forms.BooleanField(
        error_messages={"required": "Check the direction, then tick the box: this cannot be undone."}
    )
    typed_count = forms.CharField(max_length=20, strip=True)

    def __init__(self, *args: Any, bulk: bool, **kwargs: Any) -> None:
        """bulk: the number of users has to be typed; else the direction has to be ticked as checked."""
        super().__init__(*args, **kwargs)
        del self.fields["checked" if bulk else "typed_count"]
        if bulk:
            self.fields["typed_count"].error_messages["required"] = "Type the number of users to confirm."

    def clean_typed_count(self) -> int:
        """What is no number is 0, which is never right."""
        typed = self.cleaned_data["typed_count"].replace(",", "")
        return int(typed) if typed.isascii() and typed.isdigit() else 0

    @property
    def sentences(self) -> list[str]:
        """What is missing, to be shown in the window."""
        named = [str(text) for name in ("checked", "typed_count") for text in self.errors.get(name, ())]
        lost = ["The form was incomplete. Nothing was started. Check the numbers and confirm again."]
        return named or (lost if self.errors else [])
