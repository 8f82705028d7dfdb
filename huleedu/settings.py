"""Settings, all from the environment; ``make run`` and ``make test`` provide it."""

import os
import socket
from pathlib import Path

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy

from huleedu.machine import environment, own_hosts
from huleedu.machine.environment import flag, number, size
from huleedu.machine.listening import complaint_about_plain_http, is_loopback
from huleedu.machine.mail_settings import mail_server
from huleedu.machine.school_settings import providers
from huleedu.postgres import database

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = environment.folder("HULEEDU_VAR", BASE_DIR / "var").resolve()
PROCESS = os.environ.get("HULEEDU_PROCESS", "command")
SERVING = frozenset({"web", "relay", "standby", "steps"})

DEBUG = flag("HULEEDU_DEBUG")
HOST = os.environ.get("HULEEDU_HOST", "127.0.0.1")
PORT = number("HULEEDU_PORT", 8000, 1, 65535)
HTTPS = flag("HULEEDU_HTTPS")
BEHIND_PROXY = flag("HULEEDU_BEHIND_PROXY")
TRUSTED_PROXIES = number("HULEEDU_TRUSTED_PROXIES", 0, 0, 10)
# Never made here: processes with keys of their own drop each other's work. What signs nothing goes without.
SECRET_KEY = os.environ.get("SECRET_KEY", "")
KEY_CHARACTERS = 50
SECRET_KEY_FALLBACKS = [key for key in os.environ.get("SECRET_KEY_FALLBACKS", "").split() if key]
# This machine itself may always ask: the supervisor does, to see whether the web server lives.
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
TOLD_HOSTS = environment.hosts("HULEEDU_ALLOWED_HOSTS")
ALLOWED_HOSTS = list(
    dict.fromkeys([*TOLD_HOSTS, *LOOPBACK_HOSTS, *(own_hosts.own_hosts() if PROCESS == "web" else [])])
)
CSRF_TRUSTED_ORIGINS = environment.origins("HULEEDU_TRUSTED_ORIGINS")

if DEBUG and not is_loopback(HOST):
    raise ImproperlyConfigured("HULEEDU_DEBUG is for this machine only: unset it or bind to 127.0.0.1.")
if PROCESS == "web" and (complaint := complaint_about_plain_http(HOST, os.environ)):
    raise ImproperlyConfigured(complaint)
if PROCESS in SERVING and len(SECRET_KEY) < KEY_CHARACTERS:
    raise ImproperlyConfigured(
        f"SECRET_KEY is {'too short' if SECRET_KEY else 'not set'}. Every process of an installation needs "
        f"the same one, at least {KEY_CHARACTERS} random characters: set it in the environment of each."
    )

INSTALLED_APPS = [
    # A fifth of a second and 20 MB that processes without sockets do not need.
    *([] if PROCESS in {"relay", "standby", "steps"} else ["daphne"]),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "huleedu.web.used_static_files.UsedStaticFiles",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "huleedu",  # before django_q: our qcluster stands in its command's place
    "django_q",
    "batches",
    "files",
    "essays",
    "results",
    "realtime",
]

MIDDLEWARE = [
    "huleedu.http.headers.HeadersMiddleware",  # the outermost: no answer goes without
    "huleedu.http.middleware.CorrelationMiddleware",
    "huleedu.web.secure.SecureMiddleware",
    "huleedu.web.static_files.StaticFilesMiddleware",
    "huleedu.web.compression.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "huleedu.accounts.sessions.SeenMiddleware",
    "huleedu.accounts.factor_gate.FactorMiddleware",
    "huleedu.security.refusals.RefusalMiddleware",
    "huleedu.http.middleware.PrivateCacheMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "huleedu.accounts.devices.DeviceMiddleware",
    "huleedu.accounts.waiting.WaitMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "huleedu.postgres.moments.OneMomentMiddleware",  # the innermost
]

ROOT_URLCONF = "huleedu.urls"
ASGI_APPLICATION = "huleedu.asgi.application"
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
                "django.template.context_processors.i18n",
            ],
        },
    }
]

DATABASE_URL = environment.said("DATABASE_URL") or "postgresql:///huleedu"
DATABASES = {"default": environment.database("DATABASE_URL", DATABASE_URL)}
DATABASES["default"]["OPTIONS"] = {**database.OPTIONS, **DATABASES["default"].get("OPTIONS", {})}
DATABASES["default"]["OPTIONS"]["options"] = database.session_options(
    DATABASES["default"]["OPTIONS"].get("options"), serving=PROCESS in SERVING
)
if PROCESS == "web":
    # Every request runs in a thread of its own, so connections live in a pool and not in threads.
    DATABASES["default"]["OPTIONS"]["pool"] = database.POOL
else:
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

REDIS_URL = environment.redis_address("REDIS_URL", "redis://127.0.0.1:6379/0")
# A subscriber only listens: the kernel must notice that the other machine has vanished.
KEEPALIVE = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 2, socket.TCP_KEEPCNT: 3}
REDIS_KEEPALIVE = (
    {"socket_keepalive": True, "socket_keepalive_options": KEEPALIVE}
    if REDIS_URL.startswith(("redis:", "rediss:"))
    else {}
)
CHANNEL_PREFIX = "huleedu"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "realtime.layer.BoundedChannelLayer",
        # redis-py's default socket timeout would cut idle subscribers off.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_timeout": None, **REDIS_KEEPALIVE}],
            "prefix": CHANNEL_PREFIX,
        },
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # a flood of keys must not flush the counts of callers
    }
}

STORAGE_ROOT = environment.folder("HULEEDU_STORAGE", VAR_DIR / "content")
S3_BUCKET = os.environ.get("HULEEDU_S3_BUCKET", "")
S3_ENDPOINT = environment.web_address("HULEEDU_S3_ENDPOINT")
STORAGES = {
    "default": (
        {
            "BACKEND": "files.s3.ObjectStorage",
            "OPTIONS": {
                "bucket_name": S3_BUCKET,
                "endpoint_url": S3_ENDPOINT,
                "file_overwrite": True,
                "default_acl": None,
            },
        }
        if S3_BUCKET
        else {"BACKEND": "files.storage.DurableFileSystemStorage", "OPTIONS": {"location": STORAGE_ROOT}}
    ),
    "staticfiles": {"BACKEND": "huleedu.web.static_files.HashedFiles"},
}
# How long a request waits for the store; everything it does must be over within five seconds.
STORE_SECONDS = environment.duration("HULEEDU_STORE_SECONDS", 2.5, least=0.1, example="2.5")
STATIC_URL = "/static/"
STATIC_ROOT = environment.folder("HULEEDU_STATIC", VAR_DIR / "static")
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 60  # seconds, for names without a hash
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Limits (docs/limits.md).
MAX_FILE_BYTES = size("HULEEDU_MAX_FILE_BYTES", 10 * 1024 * 1024)
MAX_FILES_PER_BATCH = number("HULEEDU_MAX_FILES_PER_BATCH", 200, 1, 10_000)
MAX_REQUEST_BYTES = size("HULEEDU_MAX_REQUEST_BYTES", 64 * 1024 * 1024)
MIN_TEXT_CHARACTERS = number("HULEEDU_MIN_TEXT_CHARACTERS", 50, 1)
MAX_TEXT_CHARACTERS = number("HULEEDU_MAX_TEXT_CHARACTERS", 50_000, 1)
# Every module in these packages declares one phase of processing (docs/pipeline.md).
PHASES_IN = ["essays.phases"]

MAX_READINESS_SECONDS = 90 * 24 * 60 * 60
READINESS_SECONDS = environment.seconds("HULEEDU_READINESS_SECONDS", 24 * 60 * 60, 1, MAX_READINESS_SECONDS)
MAX_SOCKETS_PER_USER = number("HULEEDU_MAX_SOCKETS_PER_USER", 8, 1)
CHECK_SECONDS = environment.duration(
    "HULEEDU_CHECK_SECONDS", 2, least=0.1, example="2"
)  # of a processor, for one essay
MAX_QUEUED_WORK = number("HULEEDU_MAX_QUEUED_WORK", 20_000, 1)
# Quotas: of one teacher, and of all together.
TEACHER_QUEUED_WORK = number("HULEEDU_TEACHER_QUEUED_WORK", 5_000, 1)
TEACHER_BYTES = size("HULEEDU_TEACHER_BYTES", 20 * 1024**3)
TOTAL_BYTES = size("HULEEDU_TOTAL_BYTES", 1024**4)
TEACHER_FILES_A_DAY = number("HULEEDU_TEACHER_FILES_A_DAY", 10_000, 1)
FILES_A_DAY = number("HULEEDU_FILES_A_DAY", 100_000, 1)
TEACHER_BATCHES_A_DAY = number("HULEEDU_TEACHER_BATCHES_A_DAY", 2_000, 1)
BATCHES_A_DAY = number("HULEEDU_BATCHES_A_DAY", 20_000, 1)
LOOSE_CONTENT_SECONDS = environment.seconds("HULEEDU_LOOSE_CONTENT_SECONDS", 24 * 60 * 60, example="1 day")
MAX_EXPORT_BYTES = size("HULEEDU_MAX_EXPORT_BYTES", 300 * 1024**2)
# Forgetting (docs/privacy.md).
UNDO_SECONDS = environment.seconds("HULEEDU_UNDO_SECONDS", 10 * 60, 1, example="10 min")
EXPORT_SECONDS = environment.seconds("HULEEDU_EXPORT_SECONDS", 7 * 24 * 60 * 60, 1, example="7 days")
BIN_SECONDS = environment.seconds("HULEEDU_BIN_SECONDS", 30 * 24 * 60 * 60, 1, example="30 days")
RETENTION_MONTHS = environment.months("HULEEDU_RETENTION", 6)  # after the school year, which ends in June
RETENTION_MAX_MONTHS = environment.months("HULEEDU_RETENTION_MAXIMUM", 36)
STRANGER_BYTES = size("HULEEDU_STRANGER_BYTES", 64 * 1024)
MAX_CONNECTIONS_PER_ADDRESS = number("HULEEDU_MAX_CONNECTIONS_PER_ADDRESS", 500, 1)
# The database itself refuses to forget it sooner.
SECURITY_LOG_SECONDS = environment.seconds(
    "HULEEDU_SECURITY_LOG", 365 * 24 * 60 * 60, 365 * 24 * 60 * 60, example="400 days"
)
DATABASE_FOLDER = Path(folder) if (folder := environment.said("HULEEDU_DATABASE_FOLDER")) else None
DISK_MARGIN_BYTES = size("HULEEDU_DISK_MARGIN", 500 * 1024**2)
if MAX_FILE_BYTES >= MAX_REQUEST_BYTES:
    raise environment.contradiction(
        "HULEEDU_MAX_FILE_BYTES",
        "HULEEDU_MAX_REQUEST_BYTES",
        "a request must hold the largest file and its form",
        f"HULEEDU_MAX_REQUEST_BYTES={MAX_FILE_BYTES // 1024**2 + 1}MB",
    )
if RETENTION_MAX_MONTHS is not None and (RETENTION_MONTHS is None or RETENTION_MONTHS > RETENTION_MAX_MONTHS):
    raise environment.contradiction(
        "HULEEDU_RETENTION",
        "HULEEDU_RETENTION_MAXIMUM",
        "batches would be kept longer than a teacher may keep them",
        "HULEEDU_RETENTION_MAXIMUM=never or a longer time",
    )
if TEACHER_BYTES > TOTAL_BYTES:
    raise environment.contradiction(
        "HULEEDU_TEACHER_BYTES",
        "HULEEDU_TOTAL_BYTES",
        "one teacher may keep more than all together",
        f"HULEEDU_TOTAL_BYTES={TEACHER_BYTES} or more",
    )
if MIN_TEXT_CHARACTERS > MAX_TEXT_CHARACTERS:
    raise environment.contradiction(
        "HULEEDU_MIN_TEXT_CHARACTERS",
        "HULEEDU_MAX_TEXT_CHARACTERS",
        "no text could be long enough",
        f"HULEEDU_MAX_TEXT_CHARACTERS={MIN_TEXT_CHARACTERS} or more",
    )
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_FILES_PER_BATCH
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = ["files.multipart.PartReader"]

# One is always there for what the others are not at.
STEP_WORKERS = number("HULEEDU_STEP_WORKERS", 3, 1, 1000)
TASK_SECONDS = environment.seconds(
    "HULEEDU_TASK_SECONDS", 150
)  # reading and checking end after 60 s; longer is stuck
Q_CLUSTER = {
    "name": "huleedu",  # signs the tasks of every cluster; Q_CLUSTER_NAME tells the clusters apart
    "workers": STEP_WORKERS,
    "orm": "default",
    "broker_class": "huleedu.work.broker.ListeningBroker",
    "timeout": TASK_SECONDS,
    "retry": 400,
    "max_attempts": 3,
    "ack_failures": True,
    "save_limit": -1,
    "recycle": 2000,
    "bulk": 1,
    "queue_limit": 2,
    "catch_up": False,
    "scheduler": False,
    "ALT_CLUSTERS": {
        "relay": {"workers": 1, "recycle": 1_000_000_000},
        "steps": {},
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "huleedu.accounts.authentication.TokenAuthentication",
        "huleedu.accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["huleedu.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "huleedu.answers.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "HuleEdu",
    "DESCRIPTION": "Essay intake, processing and results.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "OAS_VERSION": "3.1.1",
    "POSTPROCESSING_HOOKS": ["huleedu.api.description.complete"],
}

AUTHENTICATION_BACKENDS = ["huleedu.accounts.passwords.GuardedBackend"]
PASSWORD_HASHERS = ["huleedu.accounts.passwords.BoundedHasher"]
PASSWORD_CHECKS = number("HULEEDU_PASSWORD_CHECKS", 2)  # at once in each web process
if PASSWORD_CHECKS < 1:
    raise ImproperlyConfigured("HULEEDU_PASSWORD_CHECKS must be 1 or more, or nobody could sign in.")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "huleedu.accounts.credentials.EndsEverything"},
]
# Everybody else may have a second factor; in a trial installation they, too, may do without.
STAFF_NEEDS_FACTOR = (
    environment.one_of("HULEEDU_SECOND_FACTOR", "required", ("required", "offered")) == "required"
)
ACCOUNT_ADAPTER = "huleedu.accounts.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_RATE_LIMITS = False  # the doors count (huleedu.accounts.doors), for all processes
ACCOUNT_LOGIN_TIMEOUT = 15 * 60
ACCOUNT_FORMS = {"reauthenticate": "huleedu.accounts.account_forms.PasswordOnceMoreForm"}
MFA_ADAPTER = "huleedu.accounts.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_RATE_LIMITS = False
MFA_TOTP_ISSUER = "HuleEdu"
MFA_TOTP_TOLERANCE = 1  # of clocks that differ by half a minute
MFA_FORMS = {
    "authenticate": "huleedu.accounts.account_forms.CodeForm",
    "reauthenticate": "huleedu.accounts.account_forms.CodeOnceMoreForm",
}
# Signing in with accounts of the school's own: OpenID Connect.
OIDC_SERVER = environment.web_address("HULEEDU_OIDC_SERVER")
OIDC_NAME = environment.said("HULEEDU_OIDC_NAME") or gettext_lazy("the school’s account")
OIDC_CLAIM = environment.said("HULEEDU_OIDC_CLAIM") or "preferred_username"
OIDC_CREATE = flag("HULEEDU_OIDC_CREATE")
OIDC_CLIENT, OIDC_SECRET = environment.said("HULEEDU_OIDC_CLIENT"), environment.said("HULEEDU_OIDC_SECRET")
SOCIALACCOUNT_ADAPTER = "huleedu.accounts.oidc.SchoolAccountAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = providers(OIDC_SERVER, OIDC_CLIENT, OIDC_SECRET)
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"

MAIL = mail_server()
MAIL_CONFIGURED = bool(MAIL)
globals().update(MAIL)

LANGUAGE_CODE = "en"
LANGUAGES = [("en", gettext_lazy("English")), ("sv", gettext_lazy("Swedish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = environment.time_zone("HULEEDU_TIME_ZONE", "Europe/Stockholm")
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SESSION_ENGINE = "huleedu.accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
IDLE_SECONDS = environment.seconds("HULEEDU_IDLE", 2 * 60 * 60, 60, SESSION_COOKIE_AGE, example="2h")
IDLE_SHARED_SECONDS = min(IDLE_SECONDS, 15 * 60)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
# Copies on different ports of one host share a cookie jar, so the names carry the port.
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else f"sessionid_{PORT}"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else f"csrftoken_{PORT}"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "huleedu.accounts.views.csrf_failure"
LANGUAGE_COOKIE_NAME = "__Host-language" if HTTPS else f"language_{PORT}"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
COLUMNS_COOKIE_NAME = "__Host-columns" if HTTPS else f"columns_{PORT}"
MESSAGE_STORAGE = "huleedu.http.cookies.MessageStorage"
MESSAGE_COOKIE_NAME = "__Host-messages" if HTTPS else f"messages_{PORT}"
DEVICE_COOKIE_NAME = "__Host-device" if HTTPS else f"device_{PORT}"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# These two bind other hosts than ours, for a year or for good: only whoever runs them may ask for it.
SECURE_HSTS_INCLUDE_SUBDOMAINS = flag("HULEEDU_HSTS_SUBDOMAINS")
SECURE_HSTS_PRELOAD = flag("HULEEDU_HSTS_PRELOAD")
# They bind every other service of the domain, so they are the operator's to choose and nothing to warn of.
# SecureMiddleware is Django's SecurityMiddleware and more, which the first of them does not see.
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W005", "security.W021"]
if SECURE_HSTS_PRELOAD and not SECURE_HSTS_INCLUDE_SUBDOMAINS:
    raise ImproperlyConfigured(
        "HULEEDU_HSTS_PRELOAD=1 needs HULEEDU_HSTS_SUBDOMAINS=1: browsers list no host without."
    )
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
METRICS_TOKEN = os.environ.get("HULEEDU_METRICS_TOKEN", "")
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

LOGGING_CONFIG = "huleedu.logs.configure"
LOGGING: dict[str, str] = {
    "level": environment.log_level("HULEEDU_LOG_LEVEL", "INFO"),
    "file": environment.said("HULEEDU_LOG"),
}
