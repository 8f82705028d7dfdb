"""The versions of the servers, for people of the support."""

from dataclasses import dataclass

from django import template
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from redis.exceptions import RedisError

from huleedu.fit.server_versions import noted
from realtime.push import redis_client

register = template.Library()


@dataclass(frozen=True)
class Shown:
    """A server as it shows: empty ``version`` when it does not answer."""

    name: str
    version: str
    embedded: bool


@register.inclusion_tag("admin/servers.html")
def server_versions() -> dict[str, list[Shown]]:
    """Which database and which Valkey or Redis answer now."""
    ours = noted(settings.VAR_DIR)
    embedded = {name for name, each in ours.items() if each.embedded}
    return {
        "servers": [
            Shown("PostgreSQL", database_version(), "postgres" in embedded),
            Shown("Valkey", valkey_version(), "valkey" in embedded),
        ]
    }


def database_version() -> str:
    """What the database says of itself; empty when it does not answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            return str(cursor.fetchone()[0])
    except (DatabaseError, InterfaceError):
        return ""


def valkey_version() -> str:
    """What Valkey or Redis says of itself; empty when it does not answer."""
    try:
        found = redis_client().info("server")
    except (RedisError, OSError):
        return ""
    return str(found.get("valkey_version") or found.get("redis_version") or "")
