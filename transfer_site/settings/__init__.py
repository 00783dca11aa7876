"""All settings. `.env.example` explains those that differ between deployments and come from the environment.

If DATABASE_URL is not set, the site is the demo, with embedded servers (`run/embedded.py`) and plain http. Otherwise it
is a production site, and defaults are chosen for safety.
"""

import sys
from datetime import timedelta
from pathlib import Path

import environ
from celery.schedules import crontab

from transfer_site import logs
from transfer_site.run import embedded
from transfer_site.settings import people, providers, security, sources

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()
sources.refuse_unreadable(BASE_DIR / ".env")
env.read_env(BASE_DIR / ".env")

DATA_DIR = BASE_DIR / env.str("DATA_DIR", default=".data")
DEMO = not env.str("DATABASE_URL", default="")
EMBEDDED_REDIS = not env.str("REDIS_URL", default="")
DEBUG = env.bool("DEBUG", default=False)

# --- Security ------------------------------------------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY and DEMO:
    SECRET_KEY = sources.demo_secret_key(DATA_DIR)
# Former keys, so that what they signed or encrypted can still be read.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=not DEMO)

# security.py says what is refused, and why.
security.refuse_unsafe_start(demo=DEMO, debug=DEBUG, secret_key=SECRET_KEY, allowed_hosts=ALLOWED_HOSTS)
TRUST_PROXY = env.bool("TRUST_PROXY", default=False)
# Where gunicorn listens (gunicorn.conf.py); `doctor` checks it.
WEB_BIND = env.str("WEB_BIND", default="")
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY else None
# Not redirected to https, because these pages are requested from inside the network over plain http.
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
# The public URL of the site. All absolute URLs are built from it, never from the Host header.
SITE_URL = sources.site_url(
    env.str("SITE_URL", default=f"http://localhost:{env.int('PORT', default=8000)}" if DEMO else "")
)
SECURE_SSL_HOST = sources.https_host(SITE_URL)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "accounts.signing_in.sessions.store"
SESSION_COOKIE_NAME = security.cookie_name("sessionid", https=HTTPS)
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# A session ends after this many minutes of inactivity, and after this many hours in any case.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=30)
SESSION_HOURS = env.int("SESSION_HOURS", default=12)
SESSION_COOKIE_AGE = SESSION_HOURS * 60 * 60
CSRF_COOKIE_NAME = security.cookie_name("csrftoken", https=HTTPS)
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "accounts.signing_in.views.csrf.csrf_failure"
# Messages are stored in the session, because a cookie would contain their text.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CONTENT_SECURITY_POLICY = security.CONTENT_SECURITY_POLICY
PERMISSIONS_POLICY = security.PERMISSIONS_POLICY
FILE_UPLOAD_HANDLERS = ["web.uploads.DropUploads"]
RATE_LIMITED_PAGES = security.RATE_LIMITED_PAGES
RATE_LIMITS = security.rate_limits(env)

# --- Apps and middleware -------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "pgtrigger",
    "template_partials",
    "tenancy",
    "audit",
    "accounts",
    "accounts.people.user_import",
    "transfers",
    "adopting",
    "records.quality",
    "records.workforce",
    "demo",
    "operations",
    *providers.apps_for_saml(env.str("SAML_PROVIDERS", default="")),
    *env.list("EXTRA_APPS", default=[]),
]

MIDDLEWARE = [
    "transfer_site.middleware.client_address",
    "transfer_site.middleware.absolute_urls",
    "transfer_site.middleware.same_origin_resources",
    "operations.monitoring.request_log.request_log",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "transfer_site.middleware.CompressedPages",  # below whitenoise, which serves files that are compressed already
    "transfer_site.middleware.never_stored",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenancy.middleware.TenantMiddleware",
    "accounts.signing_in.sessions.lifetime.SessionLimits",
    "accounts.access.denials.DenialMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "web.rate_limits.RateLimitMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
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
                "transfers.views.strip.running",
            ],
        },
    }
]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
# Files with hashed names can be cached forever. Tests use plain names, because only collectstatic writes the manifest
# that hashed names need.
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

# --- Users ---------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # user names are unique in lower case, by a constraint that this check cannot see
    "security.W021",  # HSTS preloading affects the whole domain, so the owner of the domain decides
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.signing_in.backends.UserNameOrEmailBackend",
]
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
PASSWORD_RESET_TIMEOUT = 60 * 60

# --- Signing in (docs/sign-in.md) ----------------------------------------------------------------------------------

# Sensitive actions, such as confirming a transfer, require a new sign-in if the last one is older than this.
REAUTHENTICATION_MINUTES = env.int("REAUTHENTICATION_MINUTES", default=15)

# allauth: users cannot register themselves, administrators manage email addresses, and rate limits are counted in the
# database (CACHES), which all processes share.
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""  # by default the Host header
ACCOUNT_ADAPTER = "accounts.signing_in.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105  # nosec B105
ACCOUNT_REAUTHENTICATION_TIMEOUT = REAUTHENTICATION_MINUTES * 60
# Wrong passwords are counted by axes, wherever they are typed, and requests by RATE_LIMITED_PAGES.
ACCOUNT_RATE_LIMITS = {"login_failed": None, "change_password": None}  # nosec B105
ACCOUNT_FORMS = {
    "change_password": "accounts.signing_in.forms.ChangePasswordForm",  # nosec B105
    "reset_password": "accounts.signing_in.forms.PasswordResetForm",  # nosec B105
}
MFA_ADAPTER = "accounts.signing_in.adapters.SecondFactorAdapter"
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "User Data Transfer"
SOCIALACCOUNT_ADAPTER = "accounts.signing_in.adapters.ProviderAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = {
    **providers.openid(env.str("OIDC_PROVIDERS", default="")),
    **providers.saml(env.str("SAML_PROVIDERS", default="")),
}
CACHES = {
    "default": {
        "BACKEND": "accounts.signing_in.sessions.signed_cache.SignedCache",
        "LOCATION": "accounts_cache",
        # If there were more entries than this, some that are still needed would be evicted, such as the codes that
        # were already used.
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

# axes: after SIGN_IN_ATTEMPTS failures, the account is locked for that client address for SIGN_IN_LOCK_MINUTES.
AXES_FAILURE_LIMIT = env.int("SIGN_IN_ATTEMPTS", default=5)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_LOCK_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "accounts.signing_in.lock_out.locked_out_response"
AXES_USERNAME_CALLABLE = "accounts.signing_in.lock_out.account_name"
AXES_CLIENT_IP_CALLABLE = "web.client_address.counted_address"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_SENSITIVE_PARAMETERS = ["username", "login", "email", "code", "credential", "csrfmiddlewaretoken"]
AXES_SENSITIVE_PARAMETERS += ["oldpassword", "password1", "password2"]
AXES_VERBOSE = False

# Emails are sent through the server in EMAIL_URL. If it is not set, they are written to files under DATA_DIR.
EMAIL_URL = env.str("EMAIL_URL", default="")
vars().update(env.email_url_config(EMAIL_URL) if EMAIL_URL else {})
if not EMAIL_URL:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(DATA_DIR / "mail")
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="User Data Transfer <no-reply@localhost>")
EMAIL_TIMEOUT = 10
# Links for setting a new password are sent by email, so they need a mail server, and SITE_URL, because a client chooses
# the Host header. The demo writes them to files.
PASSWORD_RESET_BY_MAIL = DEMO or bool(EMAIL_URL and SITE_URL)

# --- PostgreSQL ----------------------------------------------------------------------------------------------------

# The site connects as a role that can neither bypass row-level security nor change the audit log; `migrate` and the
# other commands in `sources.OWNERS_COMMANDS` connect as the role that owns the tables.
DATABASE_URL = env.str("DATABASE_URL", default="") or embedded.database_url(
    DATA_DIR, user=embedded.APPLICATION
)
MIGRATION_DATABASE_URL = env.str("MIGRATION_DATABASE_URL", default="") or (
    embedded.database_url(DATA_DIR, user=embedded.OWNER) if DEMO else DATABASE_URL
)
AS_TABLE_OWNER = sources.is_for_owner(sys.argv)
APPLICATION_ROLE = env.str("APPLICATION_ROLE", default="") or sources.role(DATABASE_URL)
# The schema of this site's own tables; other programs may have theirs in the same database (docs/database-roles.md).
APP_SCHEMA = PGTRIGGER_SCHEMA = people.schema(env.str("APP_SCHEMA", default="public"))
DATABASES = {
    "default": sources.database(
        MIGRATION_DATABASE_URL if AS_TABLE_OWNER else DATABASE_URL,
        application_name=env.str("PROCESS_NAME", default="transfer"),
    )
}

# How long `migrate` waits for a lock before it gives way to other sessions and tries again.
MIGRATION_LOCK_TIMEOUT = env.str("MIGRATION_LOCK_TIMEOUT", default="3s")

# --- Redis: wake-up messages only ----------------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url(DATA_DIR)
CELERY_BROKER_URL = sources.broker(REDIS_URL)
CELERY_TASK_DEFAULT_QUEUE = "transfers"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Otherwise a message could shut down all workers, or revoke what waits.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULER = "transfer_site.beat:SteadyScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 10
# The recovery sweep wakes transfers whose message was lost. Messages expire, so that they do not pile up while no
# worker is running. They are valid for longer than the clocks of two machines can be expected to differ; otherwise a
# worker whose clock is ahead would discard all of them.
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "transfers.tasks.recovery_sweep", "schedule": 10.0, "options": {"expires": 300}},
    "heartbeat": {"task": "operations.tasks.heartbeat", "schedule": 15.0, "options": {"expires": 300}},
    "emails": {"task": "operations.tasks.send_mails", "schedule": 15.0, "options": {"expires": 300}},
    "late arrivals": {
        "task": "transfers.tasks.look_for_late_arrivals",
        "schedule": 60.0,
        "options": {"expires": 300},
    },
    "housekeeping": {"task": "operations.tasks.housekeeping", "schedule": crontab(hour=3, minute=30)},
    "verify": {"task": "audit.tasks.verify_audit", "schedule": crontab(hour=4, minute=30)},
}
# A worker waits for Redis indefinitely. A page stops trying to send its message after about a second, because the
# recovery sweep sends it again.
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

# How many workers may process one transfer at the same time, and for how many seconds a worker stays with a transfer
# before it takes the next. A small transfer waits no longer than that behind a large one.
TRANSFER_WORKERS = env.int("TRANSFER_WORKERS", default=2)
TRANSFER_TASK_SECONDS = env.int("TRANSFER_TASK_SECONDS", default=20)
# Custom PostgreSQL settings that triggers of other systems read, set at the start of each batch and each preview.
TRANSFER_SESSION_SETTINGS = sources.session_settings(env.str("TRANSFER_SESSION_SETTINGS", default=""))
# Retention in days (docs/operations.md, "What is kept"). UNDO_DAYS: how long a transfer can be undone, and so its
# journal is kept; 0 if never. DISCARDED_DAYS: the rows that it deleted (`manage.py show_discarded`). DRAFT_DAYS: idle
# previews, and preview rows after the end of their transfer. MAIL_DAYS: records of sent emails; an email would be sent
# again if its record were deleted within `operations.mail.MAX_AGE`.
UNDO_DAYS = sources.days(env, "UNDO_DAYS", 30, least=0)
DISCARDED_DAYS = sources.days(env, "DISCARDED_DAYS", 30)
DRAFT_DAYS = sources.days(env, "DRAFT_DAYS", 30)
MAIL_DAYS = sources.days(env, "MAIL_DAYS", 30, least=3)
# For this many days after a transfer, look for rows that other systems still write for its Source Users.
LATE_ARRIVALS_DAYS = env.int("LATE_ARRIVALS_DAYS", default=7)

# --- People of the organisation's own tables (docs/adopting-people.md) ----------------------------------------------

# The view or table that `manage.py sync_people` reads, and its columns, if they have other names.
PEOPLE_VIEW = people.view(env.str("PEOPLE_VIEW", default="transfer_people"))
PEOPLE_COLUMNS = people.columns(env.str("PEOPLE_COLUMNS", default=""))
# The minutes between two runs by the scheduler; 0: only the command runs it.
SYNC_PEOPLE_MINUTES = people.minutes(env.int("SYNC_PEOPLE_MINUTES", default=0))
# The column with these people's IDs. Every foreign key to its table has to be declared, as those to users have.
PEOPLE_KEY = people.key(env.str("PEOPLE_KEY", default=""))
if SYNC_PEOPLE_MINUTES:
    CELERY_BEAT_SCHEDULE["people"] = {
        "task": "accounts.tasks.sync_people",
        "schedule": timedelta(minutes=SYNC_PEOPLE_MINUTES),
        "options": {"expires": SYNC_PEOPLE_MINUTES * 60},
    }

# --- Monitoring ----------------------------------------------------------------------------------------------------

# Clients must send this token to read /metrics, as "Authorization: Bearer …". If it is not set, only the demo serves
# /metrics, to clients on the same machine.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- Logs: to standard error, one line per record ------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": logs.FORMATTERS,
    "filters": {
        "context": {"()": "operations.monitoring.logs.Context"},
        "without_queries": {"()": "transfer_site.logs.WithoutQueries"},
        "without_traceback_of_refusals": {"()": "transfer_site.logs.WithoutTracebackOfRefusals"},
        "without_due_tasks": {"()": "transfer_site.logs.WithoutDueTasks"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": logs.known_format(env.str("LOG_FORMAT", default="") or "line"),
            "filters": ["context", "without_traceback_of_refusals"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True, "filters": ["without_queries"]},
        "axes": {"level": "WARNING"},
        # Hide the messages that Celery logs for every run of a task.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"filters": ["without_due_tasks"]},
        # Celery reports dead pool processes to this logger, and would otherwise add its own handler.
        "multiprocessing": {"handlers": ["stderr"], "propagate": False},
    },
}
