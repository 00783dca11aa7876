"""All settings; what may differ from place to place comes from the environment (`.env.example` explains each name).

Without DATABASE_URL this is the demo: its servers come with the project (`embedded.py`) and it speaks plain http.
With DATABASE_URL it is a site for real use, and whatever is not said is chosen for safety.
"""

import sys
from datetime import timedelta
from pathlib import Path

import environ
from celery.schedules import crontab

from transfer_site import embedded, logs, providers, security, sources

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
sources.refuse_unreadable(BASE_DIR / ".env")
env.read_env(BASE_DIR / ".env")

DATA_DIR = BASE_DIR / env.str("DATA_DIR", default=".data")
DEMO = not env.str("DATABASE_URL", default="")
EMBEDDED_REDIS = not env.str("REDIS_URL", default="")
DEBUG = env.bool("DEBUG", default=False)

# --- Who may speak to the site -------------------------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY and DEMO:
    SECRET_KEY = sources.demo_secret_key(DATA_DIR)
# Keys of before: what they signed or encrypted can still be read.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=not DEMO)

# What all of this is about: transfer_site/security.py.
security.refuse_unsafe_start(demo=DEMO, debug=DEBUG, secret_key=SECRET_KEY, allowed_hosts=ALLOWED_HOSTS)
TRUST_PROXY = env.bool("TRUST_PROXY", default=False)
# Where gunicorn listens (gunicorn.conf.py); here for `doctor` to look at.
WEB_BIND = env.str("WEB_BIND", default="")
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY else None
# Who asks these comes from inside and speaks plain http.
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
# How people reach the site, for the links in mails.
SITE_URL = env.str("SITE_URL", default=f"http://localhost:{env.int('PORT', default=8000)}" if DEMO else "")
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_NAME = security.cookie_name("sessionid", https=HTTPS)
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# A session ends when nobody did anything for so long, and after so many hours in any case.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=30)
SESSION_HOURS = env.int("SESSION_HOURS", default=12)
SESSION_COOKIE_AGE = SESSION_HOURS * 60 * 60
CSRF_COOKIE_NAME = security.cookie_name("csrftoken", https=HTTPS)
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "accounts.csrf.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # a cookie would hold what it says
CONTENT_SECURITY_POLICY = security.CONTENT_SECURITY_POLICY
PERMISSIONS_POLICY = security.PERMISSIONS_POLICY
FILE_UPLOAD_HANDLERS = ["transfer_site.uploads.NoFiles"]
RATE_LIMITED_PAGES = security.RATE_LIMITED_PAGES
RATE_LIMITS = security.rate_limits(env)

# --- What the site consists of -------------------------------------------------------------------------------------

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
    "accounts",
    "transfers",
    "transfers.quality",
    "transfers.workforce",
    "user_import",
    "operations",
    *providers.apps_for_saml(env.str("SAML_PROVIDERS", default="")),
    *env.list("EXTRA_APPS", default=[]),
]

MIDDLEWARE = [
    "transfer_site.middleware.client_address",
    "transfer_site.middleware.same_origin_resources",
    "operations.middleware.request_log",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "transfer_site.middleware.never_stored",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.TenantMiddleware",
    "accounts.sessions.SessionLimits",
    "transfers.denials.DenialMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.limits.RateLimitMiddleware",
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
                "transfers.context.running",
            ],
        },
    }
]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
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
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # user names are unique in lower case, by a constraint that this check cannot see
    "security.W021",  # to have a domain preloaded as https-only is its owner's decision, for all that is on it
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.backends.UserNameOrEmailBackend"]
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

# A confirmation, and every change to how somebody signs in, asks for the sign-in again when it is older than this.
REAUTHENTICATION_MINUTES = env.int("REAUTHENTICATION_MINUTES", default=15)

# allauth: nobody makes an account of their own, addresses are the administrators' business, and what is waited for is
# counted in the database (CACHES), where every process sees it.
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105  # nosec B105
ACCOUNT_REAUTHENTICATION_TIMEOUT = REAUTHENTICATION_MINUTES * 60
ACCOUNT_FORMS = {"reset_password": "accounts.forms.PasswordResetForm"}  # nosec B105
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "User Data Transfer"
SOCIALACCOUNT_ADAPTER = "accounts.adapters.ProviderAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = {
    **providers.openid(env.str("OIDC_PROVIDERS", default="")),
    **providers.saml(env.str("SAML_PROVIDERS", default="")),
}
CACHES = {
    "default": {
        "BACKEND": "accounts.cache.SignedCache",
        "LOCATION": "accounts_cache",
        # Beyond that, keys that are still needed would go: among them the codes that were used already.
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

# axes: so many failures with one account from one address, and it is locked there for so long.
AXES_FAILURE_LIMIT = env.int("SIGN_IN_ATTEMPTS", default=5)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_LOCK_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "accounts.lock_out.answer"
AXES_USERNAME_CALLABLE = "accounts.lock_out.account_name"
AXES_CLIENT_IP_CALLABLE = "accounts.client.counted_address"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_SENSITIVE_PARAMETERS = ["username", "login", "email", "code", "credential", "csrfmiddlewaretoken"]
AXES_VERBOSE = False

# Mail: to the server that EMAIL_URL names, else into files under DATA_DIR, where whoever runs the demo reads them.
EMAIL_URL = env.str("EMAIL_URL", default="")
vars().update(env.email_url_config(EMAIL_URL) if EMAIL_URL else {})
if not EMAIL_URL:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(DATA_DIR / "mail")
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="User Data Transfer <no-reply@localhost>")
EMAIL_TIMEOUT = 10
# Links to a new password are for a site that can send them; elsewhere people need their organisation's sign-in.
PASSWORD_RESET_BY_MAIL = DEMO or bool(EMAIL_URL)

# --- PostgreSQL: the truth -----------------------------------------------------------------------------------------

# The site works as a role that can neither go round the wall between the tenants nor change the audit log; `migrate`
# and what else is the owner's alone (see sources.py) connects as the role that owns the tables.
DATABASE_URL = env.str("DATABASE_URL", default="") or embedded.database_url(
    DATA_DIR, user=embedded.APPLICATION
)
MIGRATION_DATABASE_URL = env.str("MIGRATION_DATABASE_URL", default="") or (
    embedded.database_url(DATA_DIR, user=embedded.OWNER) if DEMO else DATABASE_URL
)
AS_TABLE_OWNER = sources.is_for_owner(sys.argv)
APPLICATION_ROLE = env.str("APPLICATION_ROLE", default="") or sources.role(DATABASE_URL)
DATABASES = {
    "default": sources.database(
        MIGRATION_DATABASE_URL if AS_TABLE_OWNER else DATABASE_URL,
        application_name=env.str("PROCESS_NAME", default="transfer"),
    )
}

# How long `migrate` waits for a lock before it lets others through and tries again.
MIGRATION_LOCK_TIMEOUT = env.str("MIGRATION_LOCK_TIMEOUT", default="3s")

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
    "sign of life": {
        "task": "operations.tasks.sign_of_life",
        "schedule": 15.0,
        "options": {"expires": 300},
    },
    "mails": {"task": "operations.tasks.send_mails", "schedule": 15.0, "options": {"expires": 300}},
    "late arrivals": {
        "task": "transfers.tasks.look_for_late_arrivals",
        "schedule": 60.0,
        "options": {"expires": 300},
    },
    "housekeeping": {"task": "operations.tasks.housekeeping", "schedule": crontab(hour=3, minute=30)},
    "verify": {"task": "transfers.tasks.verify_audit", "schedule": crontab(hour=4, minute=30)},
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
# For how many days things are kept (docs/operations.md, "What is kept"): the rows that transfers discarded
# (`manage.py show_discarded`); previews that nobody confirms or changes, and their rows after a transfer has ended;
# which mails were sent. A mail that is forgotten before `operations.mail.NOT_OLDER` would be sent once more.
DISCARDED_DAYS = sources.days(env, "DISCARDED_DAYS", 30)
DRAFT_DAYS = sources.days(env, "DRAFT_DAYS", 30)
MAIL_DAYS = sources.days(env, "MAIL_DAYS", 30, least=3)
# For how many days after a transfer somebody looks for rows that other systems still write for its Source Users.
LATE_ARRIVALS_DAYS = env.int("LATE_ARRIVALS_DAYS", default=7)

# --- Seen from outside ---------------------------------------------------------------------------------------------

# Whoever reads /metrics has to send it, as "Authorization: Bearer …". Without it only the demo has that page.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- Logs: to standard error, one line a record --------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": logs.FORMATTERS,
    "filters": {
        "context": {"()": "operations.logs.Context"},
        "without_queries": {"()": "transfer_site.logs.WithoutQueries"},
        "without_due_tasks": {"()": "transfer_site.logs.WithoutDueTasks"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": logs.known_format(env.str("LOG_FORMAT", default="") or "line"),
            "filters": ["context"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True, "filters": ["without_queries"]},
        "axes": {"level": "WARNING"},
        # That a task came and went, some times a minute for ever.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"filters": ["without_due_tasks"]},
        # How Celery says that a process of its pool has died; it would bring a handler of its own.
        "multiprocessing": {"handlers": ["stderr"], "propagate": False},
    },
}
