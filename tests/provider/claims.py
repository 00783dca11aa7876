from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator


class Claims(OAuth2Validator):
    """What the provider says about a person: a user name, and an email that it has verified unless it is marked."""

    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        return {
            "email": request.user.email,
            "email_verified": request.user.first_name != "unverified",
            "preferred_username": request.user.username,
        }
