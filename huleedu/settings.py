"""Settings, all from the environment; ``make run`` and ``make test`` provide it."""

import os
import socket
from pathlib import Path

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy

from huleedu import database

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("HULEEDU_VAR", BASE_DIR / "var")).resolve()
PROCESS = os.environ.get("HULEEDU_PROCESS", "command")
SERVING = frozenset({"web", "relay", "standby", "steps"})


def flag(name: str, default: bool = False) -> bool:
    """True when the environment variable ``name`` says yes."""
    return os.environ.get(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int) -> int:
    """The environment variable ``name`` as an integer, else ``default``."""
    return int(os.environ.get(name, default))


DEBUG = flag("HULEEDU_DEBUG")
HOST = os.environ.get("HULEEDU_HOST", "127.0.0.1")
PORT = number("HULEEDU_PORT", 8000)
HTTPS = flag("HULEEDU_HTTPS")
# Never made here: processes with keys of their own drop each other's work. What signs nothing goes without.
SECRET_KEY = os.environ.get("SECRET_KEY", "")
KEY_CHARACTERS = 50
SECRET_KEY_FALLBACKS = [key for key in os.environ.get("SECRET_KEY_FALLBACKS", "").split() if key]
# This machine itself may always ask: the supervisor does, to see whether the web server lives.
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = [*os.environ.get("HULEEDU_ALLOWED_HOSTS", "").split(), *LOOPBACK_HOSTS]
CSRF_TRUSTED_ORIGINS = os.environ.get("HULEEDU_TRUSTED_ORIGINS", "").split()

if DEBUG and HOST not in {"127.0.0.1", "localhost", "::1"}:
    raise ImproperlyConfigured("HULEEDU_DEBUG is for this machine only: unset it or bind to 127.0.0.1.")
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("HULEEDU_ALLOWED_HOSTS must name the hosts that serve HuleEdu.")
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
    "huleedu.apps.UsedStaticFiles",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "channels",
    "huleedu",  # before django_q: our qcluster stands in its command's place
    "django_q",
    "batches",
    "files",
    "essays",
    "results",
    "realtime",
]

MIDDLEWARE = [
    "huleedu.middleware.CorrelationMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "huleedu.static_files.StaticFilesMiddleware",
    "huleedu.compression.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "huleedu.middleware.PrivateCacheMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "huleedu.moments.OneMomentMiddleware",  # the innermost
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

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql:///huleedu")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database.")
DATABASES["default"]["OPTIONS"] = {**database.OPTIONS, **DATABASES["default"].get("OPTIONS", {})}
if PROCESS in SERVING:
    # A process that stops in the middle of a transaction must not hold its batch for ever; ours take moments.
    DATABASES["default"]["OPTIONS"].setdefault("options", "-c idle_in_transaction_session_timeout=20000")
if PROCESS == "web":
    # Every request runs in a thread of its own, so connections live in a pool and not in threads.
    DATABASES["default"]["OPTIONS"]["pool"] = database.POOL
else:
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
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
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # a flood of keys must not flush the sign-in limits
    }
}

STORAGE_ROOT = Path(os.environ.get("HULEEDU_STORAGE", VAR_DIR / "content"))
S3_BUCKET = os.environ.get("HULEEDU_S3_BUCKET", "")
STORAGES = {
    "default": (
        {
            "BACKEND": "files.s3.ObjectStorage",
            "OPTIONS": {
                "bucket_name": S3_BUCKET,
                "endpoint_url": os.environ.get("HULEEDU_S3_ENDPOINT") or None,
                "file_overwrite": True,
                "default_acl": None,
            },
        }
        if S3_BUCKET
        else {"BACKEND": "files.storage.DurableFileSystemStorage", "OPTIONS": {"location": STORAGE_ROOT}}
    ),
    "staticfiles": {"BACKEND": "huleedu.static_files.HashedFiles"},
}
# How long a request waits for the store; everything it does must be over within five seconds.
STORE_SECONDS = float(os.environ.get("HULEEDU_STORE_SECONDS", 2.5))
STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("HULEEDU_STATIC", VAR_DIR / "static"))
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 60  # seconds, for names without a hash
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Limits (docs/limits.md).
MAX_FILE_BYTES = number("HULEEDU_MAX_FILE_BYTES", 10 * 1024 * 1024)
MAX_FILES_PER_BATCH = number("HULEEDU_MAX_FILES_PER_BATCH", 200)
MAX_REQUEST_BYTES = number("HULEEDU_MAX_REQUEST_BYTES", 64 * 1024 * 1024)
MIN_TEXT_CHARACTERS = number("HULEEDU_MIN_TEXT_CHARACTERS", 50)
MAX_TEXT_CHARACTERS = number("HULEEDU_MAX_TEXT_CHARACTERS", 50_000)
READINESS_SECONDS = number("HULEEDU_READINESS_SECONDS", 24 * 60 * 60)
MAX_SOCKETS_PER_USER = number("HULEEDU_MAX_SOCKETS_PER_USER", 8)
CHECK_SECONDS = float(os.environ.get("HULEEDU_CHECK_SECONDS", 2))  # of a processor, for one essay
MAX_QUEUED_WORK = number("HULEEDU_MAX_QUEUED_WORK", 20_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_FILES_PER_BATCH
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = ["files.multipart.PartReader"]

STEP_WORKERS = number("HULEEDU_STEP_WORKERS", 3)  # one is always there for what the others are not at
TASK_SECONDS = number(
    "HULEEDU_TASK_SECONDS", 150
)  # reading and checking end after 60 s; what is longer is stuck
Q_CLUSTER = {
    "name": "huleedu",  # signs the tasks of every cluster; Q_CLUSTER_NAME tells the clusters apart
    "workers": STEP_WORKERS,
    "orm": "default",
    "broker_class": "huleedu.broker.ListeningBroker",
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
        "huleedu.authentication.TokenAuthentication",
        "huleedu.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["huleedu.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "huleedu.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "HuleEdu",
    "DESCRIPTION": "Essay intake, processing and results.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "OAS_VERSION": "3.1.1",
    "POSTPROCESSING_HOOKS": ["huleedu.description.complete"],
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", gettext_lazy("English")), ("sv", gettext_lazy("Swedish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = os.environ.get("HULEEDU_TIME_ZONE", "Europe/Stockholm")
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SESSION_ENGINE = "huleedu.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
# Copies on different ports of one host share a cookie jar, so the names carry the port.
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else f"sessionid_{PORT}"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else f"csrftoken_{PORT}"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "huleedu.views.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
BEHIND_PROXY = flag("HULEEDU_BEHIND_PROXY")
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
LOGGING: dict[str, str] = {"level": os.environ.get("HULEEDU_LOG_LEVEL", "INFO")}
