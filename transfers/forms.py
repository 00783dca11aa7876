from typing import Any

from django import forms

LARGEST_ID = 2**63 - 1


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
    """The confirmation window. `plan_hash` is what the person was shown; a bulk transfer is typed as a number.

    `combined` and `deleted` are the numbers that were shown, only to say afterwards what changed.
    """

    plan_hash = forms.CharField(max_length=64)
    combined = forms.IntegerField(required=False)
    deleted = forms.IntegerField(required=False)
    checked = forms.BooleanField(
        error_messages={"required": "Check the direction, then tick the box: this cannot be undone."}
    )
    typed_count = forms.CharField(required=False, max_length=20)

    def __init__(self, *args: Any, pairs: int | None = None, **kwargs: Any) -> None:
        """pairs: how many have to be typed; None for a single transfer, which has the check box instead."""
        super().__init__(*args, **kwargs)
        self.pairs = pairs
        del self.fields["typed_count" if pairs is None else "checked"]

    def clean_typed_count(self) -> int:
        typed = self.cleaned_data["typed_count"].replace(",", "").strip()
        if typed != str(self.pairs):
            raise forms.ValidationError(
                f"Type {self.pairs} to confirm: it is the number of users whose data moves."
            )
        return int(typed)

    @property
    def sentences(self) -> list[str]:
        """What is missing, to be shown above the buttons."""
        named = {name: errors for name, errors in self.errors.items() if name in ("checked", "typed_count")}
        lost = ["The form was incomplete. Nothing was started. Check the numbers and confirm again."]
        return [text for errors in named.values() for text in errors] or (lost if self.errors else [])
