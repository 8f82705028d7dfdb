"""What a process tells of itself, so that others can see whether it fits. Never a secret."""

import hmac
import os
import socket
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from huleedu.fit import walls
from huleedu.machine.release import release

STARTED = datetime.now(UTC).isoformat(timespec="seconds")  # of this process, or of the one that forked it
KEY_CHARACTERS = 16  # 64 bits tell keys apart and are of no use to somebody who looks for one
SHARED = (
    "MAX_FILE_BYTES",
    "MAX_FILES_PER_BATCH",
    "MAX_REQUEST_BYTES",
    "MIN_TEXT_CHARACTERS",
    "MAX_TEXT_CHARACTERS",
    "READINESS_SECONDS",
    "MAX_SOCKETS_PER_USER",
    "MAX_QUEUED_WORK",
    "TEACHER_QUEUED_WORK",
    "TEACHER_BYTES",
    "TOTAL_BYTES",
    "TEACHER_FILES_A_DAY",
    "FILES_A_DAY",
    "TEACHER_BATCHES_A_DAY",
    "BATCHES_A_DAY",
    "LOOSE_CONTENT_SECONDS",
    "CHECK_SECONDS",
    "TIME_ZONE",
)
OF_WEB = ("HTTPS", "BEHIND_PROXY", "TRUSTED_PROXIES")


def key_fingerprint(key: str, identity: UUID) -> str:
    """Tells ``key`` from others within one installation.

    Keys are long and random, and the database holds signatures made with them anyway: this one, salted and
    cut, makes none easier to guess.
    """
    return hmac.new(key.encode(), f"huleedu {identity}".encode(), "sha256").hexdigest()[:KEY_CHARACTERS]


def shared_settings() -> dict[str, str]:
    """The settings that every process, or every web process, must have alike, under the operator's names."""
    found = {f"HULEEDU_{name}": str(getattr(settings, name)) for name in SHARED}
    found |= {
        "HULEEDU_S3_BUCKET": settings.S3_BUCKET,
        "HULEEDU_S3_ENDPOINT": urlsplit(os.environ.get("HULEEDU_S3_ENDPOINT", "")).netloc.rpartition("@")[2],
        "REDIS_URL": address_of(settings.REDIS_URL),
        "CHANNEL_PREFIX": settings.CHANNEL_PREFIX,
        "Q_CLUSTER name": str(settings.Q_CLUSTER["name"]),
    }
    if settings.PROCESS == "web":
        found |= {f"HULEEDU_{name}": str(getattr(settings, name)) for name in OF_WEB}
        found["HULEEDU_IDLE"] = str(settings.IDLE_SECONDS)
        found["HULEEDU_SECOND_FACTOR"] = "required" if settings.STAFF_NEEDS_FACTOR else "offered"
        found["HULEEDU_OIDC_SERVER"] = urlsplit(settings.OIDC_SERVER or "").netloc.rpartition("@")[2]
        found["HULEEDU_PORT (names the cookies)"] = settings.SESSION_COOKIE_NAME
        found["HULEEDU_ALLOWED_HOSTS"] = " ".join(
            sorted(settings.TOLD_HOSTS)
        )  # each has names of its own besides
        found["HULEEDU_TRUSTED_ORIGINS"] = " ".join(sorted(settings.CSRF_TRUSTED_ORIGINS))
    return found


def address_of(url: str) -> str:
    """Which server ``url`` names, without user and password; a local one is another on every machine."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"{parts.path} on {socket.gethostname()}"
    place = f"{parts.hostname}:{parts.port or 6379}{parts.path or '/0'}"
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return f"{place} on {socket.gethostname()}" if local else place


def facts_of(identity: UUID, schema: str, store: str) -> dict[str, Any]:
    """Everything this process tells; ``schema`` is the state of the database that it was found to fit."""
    return {
        "store": store,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": STARTED,
        "release": release(),
        "schema": schema,
        "key": key_fingerprint(settings.SECRET_KEY, identity),
        "accepts": [key_fingerprint(key, identity) for key in settings.SECRET_KEY_FALLBACKS],
        "settings": shared_settings(),
        "walls": list(walls.of_this_process()),
    }
