from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator


class Claims(OAuth2Validator):
    """The user name, and the email, which counts as verified unless the user's first name is "unverified"."""

    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        return {
            "email": request.user.email,
            "email_verified": request.user.first_name != "unverified",
            "preferred_username": request.user.username,
        }
