"""Who is calling: a bearer token, or the browser's session."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from huleedu.accounts.factors import lacks_factor
from huleedu.failures.errors import Refused
from huleedu.models import ApiToken
from huleedu.postgres.clock import database_now
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind

PREFIX = "hule_"
LIFETIME = timedelta(days=90)
USE_NOTED_EVERY = timedelta(minutes=5)
log = structlog.get_logger(__name__)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class NewToken:
    """A token as its owner sees it, once."""

    secret: str
    row: ApiToken


def digest_of(secret: str) -> str:
    """What is stored of a token: it is random, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def make_token(
    owner: User, name: str, scope: str = ApiToken.Scope.WRITE, lifetime: timedelta = LIFETIME
) -> NewToken:
    """Make a token that lives ``lifetime``, 90 days at most; the secret is shown once and never stored.

    ``owner`` is as whoever asked was let in. Raises ``Refused("NOT_SIGNED_IN")`` when her password was
    changed or the account closed since: what ends all tokens must not miss one that is being made.
    """
    alive = User.objects.select_for_update(no_key=True).filter(pk=owner.pk, is_active=True)
    if alive.values_list("password", flat=True).first() != owner.password:
        raise Refused("NOT_SIGNED_IN")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        owner=owner,
        name=name[:80],
        scope=scope,
        digest=digest_of(secret),
        expires_at=database_now() + min(lifetime, LIFETIME),
    )
    record(
        SecurityKind.TOKEN_MADE,
        actor=owner,
        account=owner,
        subject=row,
        details={"scope": str(scope), "days": min(lifetime, LIFETIME).days},
    )
    return NewToken(secret, row)


def live_tokens(secret: str) -> QuerySet[ApiToken]:
    """The live token with this secret and an active owner, if there is one."""
    live = Q(revoked_at__isnull=True, expires_at__gt=Now(), owner__is_active=True)
    return ApiToken.objects.filter(live, digest=digest_of(secret))


def is_live(secret: str) -> bool:
    """True when a token has this secret; it does not count as used."""
    return live_tokens(secret).exists()


def find_token(secret: str) -> ApiToken | None:
    """The live token with this secret and an active owner, or None."""
    token = live_tokens(secret).select_related("owner").first()
    if token is not None:
        note_use(token)
    return token


def note_use(token: ApiToken) -> None:
    """Remember roughly when the token was last used, without a write per call; a transaction ends before."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        used = ApiToken.objects.filter(pk=token.pk)
        transaction.on_commit(lambda: used.update(last_used_at=now), robust=True)


def note_refusal(secret: str) -> None:
    """A token of ours that was ended tells who had it; one that was never made tells nothing."""
    ended = ApiToken.objects.filter(digest=digest_of(secret)).first()
    if ended is not None:
        known = partial(record, SecurityKind.TOKEN_REFUSED, account=ended.owner_id, subject=ended)
        transaction.on_commit(known, robust=True)


class TokenAuthentication(authentication.BaseAuthentication):
    """``Authorization: Bearer <token>``; a read token may only read."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's owner, or None without the header.

        Raises ``AuthenticationFailed``, and ``PermissionDenied`` for a read token on an unsafe method, or an
        owner who must set up a second factor first.
        """
        header = request.headers.get("Authorization", "")
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        token = find_token(secret.strip())
        if token is None:
            note_refusal(secret.strip())
            raise AuthenticationFailed
        if lacks_factor(token.owner):
            raise PermissionDenied
        if token.scope == ApiToken.Scope.READ and request.method not in SAFE_METHODS:
            raise PermissionDenied
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return self.keyword


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, with CSRF checks on unsafe methods."""
