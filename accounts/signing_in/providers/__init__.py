"""Sign-in with an organisation's identity provider: OpenID Connect and SAML."""
