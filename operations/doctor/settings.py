"""The settings, as this process sees them; the values of secrets are never shown."""

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import ERROR, WARNING, run_checks
from django.core.mail import get_connection
from redis import RedisError

from accounts.limits import were_without_address
from operations.doctor.findings import Finding, look, ok, wrong

SHORTEST_TOKEN = 32


def findings() -> Iterator[Finding]:
    if settings.DEMO:
        yield look(
            "settings",
            "this is the demo: DATABASE_URL is not set.",
            "For real use, set what .env.example names.",
        )
    yield debug()
    yield hosts()
    yield https()
    yield addresses()
    yield site_url()
    yield metrics_token()
    yield mail()
    yield from checks()


def debug() -> Finding:
    if settings.DEBUG:
        return wrong(
            "DEBUG",
            "is on; the inside of every error is shown to everyone.",
            "Take DEBUG out of the environment.",
        )
    return ok("DEBUG", "is off.")


def hosts() -> Finding:
    if "*" in settings.ALLOWED_HOSTS:
        return wrong(
            "ALLOWED_HOSTS", "allows every name.", "Name the site's own host names, separated by commas."
        )
    return ok("ALLOWED_HOSTS", ", ".join(settings.ALLOWED_HOSTS) + ".")


def https() -> Finding:
    if not settings.HTTPS and not settings.DEMO:
        return wrong(
            "HTTPS",
            "is off; passwords and sessions travel in the clear.",
            "Put the site behind TLS and take HTTPS=0 out.",
        )
    if settings.HTTPS and not settings.TRUST_PROXY and not settings.DEMO:
        return look(
            "HTTPS",
            "is on, and no proxy is trusted: behind one that speaks TLS every page sends people to itself, for ever.",
            "Set TRUST_PROXY=1, and let the proxy set X-Forwarded-Proto. Where gunicorn itself speaks TLS, or this"
            " machine has workers and no pages, leave it.",
        )
    return ok("HTTPS", "is on." if settings.HTTPS else "is off, for the demo.")


def addresses() -> Finding:
    """Whether it is known who asks; the web server may have been told its socket where this process does not see it."""
    if settings.TRUST_PROXY:
        return ok("client addresses", "come from the proxy.")
    if settings.WEB_BIND.startswith("unix:") or strangers_were_counted():
        return wrong(
            "client addresses",
            "are not known, because the web server listens on a Unix socket: strangers share one limit on signing in,"
            " and the audit log does not say from where.",
            "Set TRUST_PROXY=1, and let the proxy add the address at the end of X-Forwarded-For.",
        )
    return ok("client addresses", "are those of the connections.")


def strangers_were_counted() -> bool:
    try:
        return were_without_address()
    except RedisError:
        return False


def site_url() -> Finding:
    if not settings.SITE_URL:
        return look(
            "SITE_URL", "is not set; mails hold no link.", "Set it to the address people use, like https://…"
        )
    return ok("SITE_URL", settings.SITE_URL)


def metrics_token() -> Finding:
    token = settings.METRICS_TOKEN
    if token and len(token) < SHORTEST_TOKEN:
        do = f"Set one of at least {SHORTEST_TOKEN} random characters, here and in Prometheus."
        return wrong("METRICS_TOKEN", f"has {len(token)} characters and can be guessed.", do)
    who = "only this machine" if settings.DEMO else "nobody"
    return ok("METRICS_TOKEN", "is set." if token else f"is not set; {who} can read /metrics.")


def mail() -> Finding:
    if not settings.EMAIL_URL:
        return without_mail()
    try:
        with get_connection():
            return ok("mail", "the mail server takes connections.")
    except Exception as error:
        return wrong(
            "mail",
            f"the mail server cannot be used ({type(error).__name__}).",
            "Look at EMAIL_URL: host, port, user, TLS.",
        )


def without_mail() -> Finding:
    says = "goes into files, because EMAIL_URL is not set"
    if settings.PASSWORD_RESET_BY_MAIL:
        return look("mail", f"{says}.", "Set EMAIL_URL to your mail server.")
    return look(
        "mail",
        f"{says}: users cannot set a password themselves, and are not told when a transfer has ended.",
        "Set EMAIL_URL to your mail server; or set each password with manage.py set_password, or let users sign in with"
        " their organisation's provider (docs/deploy.md).",
    )


def checks() -> Iterator[Finding]:
    """Django's own and ours: doors, data types, keys and indexes of the database, what is needed to be secure."""
    every = run_checks(include_deployment_checks=not settings.DEMO)
    found = [message for message in every if message.level >= WARNING and not message.is_silenced()]
    for message in found:
        make = wrong if message.level >= ERROR else look
        yield make(f"check {message.id}", str(message.msg), str(message.hint or "See the message."))
    if not found:
        yield ok("checks", "no remarks.")
