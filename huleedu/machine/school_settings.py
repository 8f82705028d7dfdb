"""The school's OpenID Connect provider, as django-allauth takes it."""

from typing import Any

from huleedu.machine.environment import contradiction


def providers(server: str | None, client: str, secret: str) -> dict[str, Any]:
    """Its settings of the one provider. Raises ImproperlyConfigured when ``server`` does not know us."""
    if server and not client:
        raise contradiction(
            "HULEEDU_OIDC_SERVER",
            "HULEEDU_OIDC_CLIENT",
            "the server knows this installation by its client id",
            "HULEEDU_OIDC_CLIENT=huleedu",
        )
    app = {"provider_id": "school", "name": "school", "client_id": client, "secret": secret}
    apps = [{**app, "settings": {"server_url": server}}]
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": apps}}
