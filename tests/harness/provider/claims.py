from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator


class Claims(OAuth2Validator):
    """Adds the user name and email as claims. The email counts as verified unless the first name is "unverified"."""

    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        return {
            "email": request.user.email,
            "email_verified": request.user.first_name != "unverified",
            "preferred_username": request.user.username,
        }
