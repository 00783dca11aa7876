"""A real OpenID provider for the tests: django-oauth-toolkit on in-memory SQLite, with a key generated at start-up.

`python -m tests.harness.provider <site>…` prints its own URL and serves until it is stopped. The arguments are the URLs
of the sites that may use it. Its login form asks for the user's claims instead of a password.
"""

import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

CLIENTS = {"transfer": "RS256", "shared-key": "HS256"}
SECRET = "only-the-two-of-us-know"


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def configure(address: str) -> None:
    settings.configure(
        SECRET_KEY="for the tests alone",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.harness.provider.urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        LOGIN_URL="/login/",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SESSION_COOKIE_NAME="provider",
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": f"{address}/o",
            "OIDC_RSA_PRIVATE_KEY": private_key(),
            "OAUTH2_VALIDATOR_CLASS": "tests.harness.provider.claims.Claims",
            "SCOPES": {"openid": "", "profile": "", "email": ""},
            "PKCE_REQUIRED": True,
        },
    )
    django.setup()


def register(sites: list[str]) -> None:
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    for client_id, algorithm in CLIENTS.items():
        Application.objects.create(
            name=client_id,
            client_id=client_id,
            client_secret=SECRET,
            hash_client_secret=False,
            client_type="confidential",
            authorization_grant_type="authorization-code",
            algorithm=algorithm,
            skip_authorization=True,
            redirect_uris=" ".join(f"{site}/sign-in/with/abacus/back/" for site in sites),
        )


def main() -> None:
    server = WSGIServer(("127.0.0.1", 0), Quiet)
    address = f"http://127.0.0.1:{server.server_port}"
    configure(address)
    register(sys.argv[1:])
    from django.core.wsgi import get_wsgi_application

    server.set_app(get_wsgi_application())
    print(address, flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main()
