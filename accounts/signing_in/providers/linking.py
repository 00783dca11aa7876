"""Matches a sign-in with an identity provider to a user of the provider's tenant."""

from typing import Any

from django.conf import settings

from accounts.models import User
from accounts.signing_in.identifiers import matching_ids


def matched_user(sociallogin: Any) -> User | None:
    """Return the user linked to the provider's account, else the one matched by the claim in the settings, or None.

    If the account is linked to a user of another tenant, return None.
    """
    rules = sociallogin.provider.app.settings
    people = User.objects.filter(tenant__name=rules["tenant"])
    if sociallogin.is_existing:
        return people.filter(pk=sociallogin.user.pk).first()
    claimed = claimed_value(sociallogin, rules)
    if not claimed:
        return None
    if rules["match"] == "employee_id":
        return people.filter(employee_id=claimed).first()
    return people.filter(pk__in=matching_ids(rules["match"], [claimed])).first()


def claimed_value(sociallogin: Any, rules: dict[str, str]) -> str:
    """Return the value of the claim that users are matched by, or "".

    An email counts only if the provider has verified it.
    """
    if rules["claim"] == "email":
        return next(
            (address.email for address in sociallogin.email_addresses if address.verified is True), ""
        )
    data = sociallogin.account.extra_data
    value = (data.get("userinfo") or data.get("id_token") or data).get(rules["claim"])
    if isinstance(value, list):  # SAML gives every attribute as a list
        value = value[0] if len(value) == 1 else ""
    return str(value or "").strip()


def offered(person: User | None = None) -> list[dict[str, str]]:
    """Return providers as {"id", "name", "kind"} in the order of the settings.

    If a person is given, return only the providers of that person's tenant.
    """
    found = []
    for kind, rules in settings.SOCIALACCOUNT_PROVIDERS.items():
        for app in rules.get("APPS", ()):
            if person and app["settings"]["tenant"] != person.tenant.name:
                continue
            provider_id = app["provider_id"] if kind == "openid_connect" else app["client_id"]
            found.append({"id": provider_id, "name": app["name"], "kind": kind})
    return found


def is_offered(kind: str, provider_id: str) -> bool:
    """Return whether the settings have this provider.

    allauth does not check this fully: it would also accept the kind "openid_connect" as an id.
    """
    return any((one["kind"], one["id"]) == (kind, provider_id) for one in offered())
