"""Checks of the settings, as this process sees them. Values of secrets are never shown."""

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import WARNING, CheckMessage, Error, Info, Warning, run_checks
from django.core.mail import get_connection
from redis import RedisError

from web.rate_limits import counted_without_address

MIN_TOKEN_LENGTH = 32


def findings() -> Iterator[CheckMessage]:
    if settings.DEMO:
        yield Warning(
            "This is the demo: DATABASE_URL is not set.",
            hint="For production, set the variables listed in .env.example.",
            id="doctor.demo",
        )
    yield debug()
    yield hosts()
    yield https()
    yield addresses()
    yield site_url()
    yield metrics_token()
    yield email()
    yield from system_checks()


def debug() -> CheckMessage:
    if settings.DEBUG:
        return Error(
            "DEBUG is on: error pages show internals to everyone.",
            hint="Remove DEBUG from the environment.",
            id="doctor.debug",
        )
    return Info("DEBUG is off.", id="doctor.debug")


def hosts() -> CheckMessage:
    if "*" in settings.ALLOWED_HOSTS:
        return Error(
            "ALLOWED_HOSTS allows every name.",
            hint="List the site's own host names, separated by commas.",
            id="doctor.hosts",
        )
    return Info(f"ALLOWED_HOSTS is {', '.join(settings.ALLOWED_HOSTS)}.", id="doctor.hosts")


def https() -> CheckMessage:
    if not settings.HTTPS and not settings.DEMO:
        return Error(
            "HTTPS is off: passwords and sessions travel unencrypted.",
            hint="Put the site behind TLS and remove HTTPS=0.",
            id="doctor.https",
        )
    if settings.HTTPS and not settings.TRUST_PROXY and not settings.DEMO:
        return Warning(
            "HTTPS is on and no proxy is trusted: behind a TLS proxy, every page redirects to itself forever.",
            hint="Set TRUST_PROXY=1, and configure the proxy to set X-Forwarded-Proto. Ignore this if gunicorn itself"
            " terminates TLS, or if this machine runs workers only.",
            id="doctor.https",
        )
    return Info(
        "HTTPS is on." if settings.HTTPS else "HTTPS is off, because this is the demo.", id="doctor.https"
    )


def addresses() -> CheckMessage:
    """Check that the addresses of clients are known.

    WEB_BIND may be set only in the web server's own environment, so this also checks whether any requests arrived
    without an address.
    """
    if settings.TRUST_PROXY:
        return Info("Client addresses come from the proxy.", id="doctor.addresses")
    if settings.WEB_BIND.startswith("unix:") or had_clients_without_address():
        return Error(
            "Client addresses are unknown, because the web server listens on a Unix socket: all anonymous clients"
            " share one sign-in limit, and the audit log lacks addresses.",
            hint="Set TRUST_PROXY=1, and configure the proxy to append the client's address to X-Forwarded-For.",
            id="doctor.addresses",
        )
    return Info("Client addresses are taken from the connections.", id="doctor.addresses")


def had_clients_without_address() -> bool:
    try:
        return counted_without_address()
    except RedisError:
        return False


def site_url() -> CheckMessage:
    if not settings.SITE_URL:
        return Warning(
            "SITE_URL is not set: emails contain no links, and users cannot set a password by email.",
            hint="Set it to the site's address, such as https://transfer.example.org.",
            id="doctor.site_url",
        )
    return Info(f"SITE_URL is {settings.SITE_URL}.", id="doctor.site_url")


def metrics_token() -> CheckMessage:
    length = len(settings.METRICS_TOKEN)
    if 0 < length < MIN_TOKEN_LENGTH:
        return Error(
            f"METRICS_TOKEN has only {length} characters and can be guessed.",
            hint=f"Use at least {MIN_TOKEN_LENGTH} random characters, here and in Prometheus.",
            id="doctor.metrics_token",
        )
    if length:
        return Info("METRICS_TOKEN is set.", id="doctor.metrics_token")
    readers = "only this machine can read /metrics" if settings.DEMO else "/metrics is disabled"
    return Info(f"METRICS_TOKEN is not set, so {readers}.", id="doctor.metrics_token")


def email() -> CheckMessage:
    if not settings.EMAIL_URL:
        return email_without_server()
    try:
        with get_connection():
            return Info("The mail server accepts connections.", id="doctor.email")
    except Exception as error:
        return Error(
            f"The mail server cannot be used ({type(error).__name__}).",
            hint="Check EMAIL_URL: host, port, user, password, TLS.",
            id="doctor.email",
        )


def email_without_server() -> CheckMessage:
    text, hint = "EMAIL_URL is not set: emails are written to files", "Set EMAIL_URL to your mail server"
    if settings.PASSWORD_RESET_BY_MAIL:
        return Warning(f"{text}.", hint=f"{hint}.", id="doctor.email")
    return Warning(
        f"{text}. Users cannot set a password themselves, and get no email when a transfer has ended.",
        hint=f"{hint}. Otherwise set passwords with manage.py set_password, or let users sign in through their"
        " organisation's identity provider (docs/deploy.md).",
        id="doctor.email",
    )


def system_checks() -> Iterator[CheckMessage]:
    """Run the system checks of Django and of the project and, outside the demo, the deployment checks."""
    every = run_checks(include_deployment_checks=not settings.DEMO)
    found = [message for message in every if message.level >= WARNING and not message.is_silenced()]
    yield from found
    if not found:
        yield Info("The system checks found no problems.", id="doctor.checks")
