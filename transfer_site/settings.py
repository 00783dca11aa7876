"""All settings; what may differ from place to place comes from the environment (`.env.example` explains each name).

Without DATABASE_URL this is the demo: its servers come with the project (`embedded.py`) and it speaks plain http.
With DATABASE_URL it is a site for real use, and whatever is not said is chosen for safety.
"""

from pathlib import Path

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from transfer_site import embedded, sources

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")

DATA_DIR = BASE_DIR / env.str("DATA_DIR", default=".data")
DEMO = not env.str("DATABASE_URL", default="")
EMBEDDED_REDIS = not env.str("REDIS_URL", default="")
DEBUG = env.bool("DEBUG", default=False)

# --- Who may speak to the site -------------------------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY and DEMO:
    SECRET_KEY = sources.demo_secret_key(DATA_DIR)
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set, and DATABASE_URL is. Put at least 50 random characters there, for example from"
        " python3 -c 'import secrets; print(secrets.token_urlsafe(50))', and keep them secret."
    )

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=not DEMO)

SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("TRUST_PROXY", default=False) else None
)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 12 * 60 * 60
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
}

# --- What the site consists of -------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "csp",
    "django_filters",
    "django_htmx",
    "pgtrigger",
    "template_partials",
    "accounts",
    "transfers",
    "transfers.quality",
    "transfers.workforce",
    *env.list("EXTRA_APPS", default=[]),
]

MIDDLEWARE = [
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "transfer_site.urls"
WSGI_APPLICATION = "transfer_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "transfers.context.running",
            ],
        },
    }
]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
# Names with a hash may be cached for ever; tests do without the manifest, which only collectstatic writes.
HASHED_STATIC = env.bool("HASHED_STATIC", default=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if HASHED_STATIC
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People --------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
# User names are unique in lower case, by an index on the expression, which this check cannot see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["accounts.backends.UserNameOrEmailBackend"]
SILENCED_SYSTEM_CHECKS = [
    "auth.W004"
]  # user names are unique in lower case, by a constraint the check cannot see
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "transfers:transfer-home"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# --- PostgreSQL: the truth -----------------------------------------------------------------------------------------

DATABASE_URL = env.str("DATABASE_URL", default="") or embedded.database_url(DATA_DIR)
DATABASES = {
    "default": sources.database(DATABASE_URL, application_name=env.str("PROCESS_NAME", default="transfer"))
}

# --- Redis: only the wake-up ---------------------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url(DATA_DIR)
CELERY_BROKER_URL = sources.broker(REDIS_URL)
CELERY_TASK_DEFAULT_QUEUE = "transfers"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULER = "transfer_site.beat:SteadyScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 10
# The sweep finds what a lost message should have woken. While no worker is there its messages pile up, therefore they
# expire; not sooner than the clocks of two machines may differ, or a worker would throw all of them away.
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "transfers.tasks.sweep", "schedule": 10.0, "options": {"expires": 300}},
    "purge": {"task": "transfers.tasks.purge", "schedule": crontab(hour=3, minute=30)},
}
# A worker waits for Redis as long as it takes; a page does not: without Redis a message is given up within a second
# or so, because the sweep sends it again.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 1,
    "max_retries": 1,
    "interval_start": 0.1,
    "interval_step": 0.2,
    "interval_max": 0.3,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 2,
    "interval_start": 0.1,
    "interval_step": 0.2,
    "interval_max": 0.3,
}

# --- Transfers -----------------------------------------------------------------------------------------------------

# How many workers may drain one transfer together, and for how many seconds a worker stays with it at a time: a single
# transfer that is confirmed beside a large one waits no longer than that.
TRANSFER_WORKERS = env.int("TRANSFER_WORKERS", default=2)
TRANSFER_TASK_SECONDS = env.int("TRANSFER_TASK_SECONDS", default=20)
# For how many days the rows that transfers discarded are kept (`manage.py show_discarded`).
DISCARDED_DAYS = env.int("DISCARDED_DAYS", default=30)

# --- Logs: to standard error, one line a record --------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "transfer_site.logs.OneLineFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
    },
}
