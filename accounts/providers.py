"""Whom an identity provider speaks of: a person of the provider's own tenant, or nobody."""

from typing import Any

from django.conf import settings

from accounts.logins import ids_having
from accounts.models import User


def person_of(sociallogin: Any) -> User | None:
    """The person who signed in at the provider: linked before, else found by the claim that the settings name.

    A link that leads to another tenant than the provider's leads nowhere.
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
    return people.filter(pk__in=ids_having(rules["match"], [claimed])).first()


def claimed_value(sociallogin: Any, rules: dict[str, str]) -> str:
    """What the provider says about the person; an email counts only when the provider has verified it."""
    if rules["claim"] == "email":
        return next(
            (address.email for address in sociallogin.email_addresses if address.verified is True), ""
        )
    data = sociallogin.account.extra_data
    said = (data.get("userinfo") or data.get("id_token") or data).get(rules["claim"])
    if isinstance(said, list):  # SAML gives every attribute as a list
        said = said[0] if len(said) == 1 else ""
    return str(said or "").strip()


def offered(person: User | None = None) -> list[dict[str, str]]:
    """The providers in the order of the settings, as buttons: {"id", "name", "kind"}; those of the person's tenant."""
    found = []
    for kind, rules in settings.SOCIALACCOUNT_PROVIDERS.items():
        for app in rules.get("APPS", ()):
            if person and app["settings"]["tenant"] != person.tenant.name:
                continue
            where = app["provider_id"] if kind == "openid_connect" else app["client_id"]
            found.append({"id": where, "name": app["name"], "kind": kind})
    return found


def is_offered(kind: str, provider_id: str) -> bool:
    """Is there a provider of this very name? allauth also takes the name of a kind, for all of its providers."""
    return any((one["kind"], one["id"]) == (kind, provider_id) for one in offered())
