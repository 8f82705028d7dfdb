"""What opens an account besides its password, and how all of it ends together."""

import structlog
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from huleedu.account_models import PasswordLink, Session
from huleedu.models import ApiToken
from huleedu.postgres.clock import database_now
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind

log = structlog.get_logger(__name__)


@transaction.atomic
def end_sessions(user: User, but: str | None = None) -> int:
    """End the sessions of ``user``, but the one with the key ``but``; returns how many there were.

    Their sockets close when they look again who is signed in, within a minute.
    """
    sessions = Session.objects.filter(user=user)
    ended, _kinds = (sessions.exclude(pk=but) if but else sessions).delete()
    if ended:
        record(SecurityKind.SESSION_ENDED, account=user, details={"counted": ended})
    log.info("sessions.ended", user_id=user.pk, count=ended)
    return ended


@transaction.atomic
def end_session(session: Session) -> bool:
    """End one session; False when it was over."""
    ended, _kinds = Session.objects.filter(pk=session.pk).delete()
    if ended:
        record(SecurityKind.SESSION_ENDED, account=session.user_id, details={"counted": 1})
        log.info("session.ended", user_id=session.user_id)
    return bool(ended)


def revoke_tokens(user: User) -> int:
    """End the tokens of ``user``; returns how many worked."""
    return revoke(ApiToken.objects.filter(owner=user))


def revoke_token(token: ApiToken) -> bool:
    """End one token; False when it was ended before, which keeps its time."""
    return bool(revoke(ApiToken.objects.filter(pk=token.pk)))


@transaction.atomic
def revoke(tokens: QuerySet[ApiToken]) -> int:
    """End those of ``tokens`` that were not ended before; returns how many."""
    live = list(tokens.filter(revoked_at=None).select_for_update().order_by("pk"))
    for token in live:
        token.revoked_at = database_now()
        token.save(update_fields=["revoked_at"])
        record(SecurityKind.TOKEN_REVOKED, account=token.owner_id, subject=token)
    return len(live)


@transaction.atomic
def end_everything(user: User) -> None:
    """End whatever opens the account now: sessions, tokens, and a link to set a password."""
    end_sessions(user)
    revoke_tokens(user)
    PasswordLink.objects.filter(user=user).delete()


@transaction.atomic
def disconnect(user: User) -> int:
    """Forget whom of the school's provider the account belongs to, and end its sessions; returns how many."""
    gone, _kinds = SocialAccount.objects.filter(user=user).delete()
    if gone:
        end_sessions(user)
        record(SecurityKind.ACCOUNT_DISCONNECTED, account=user)
        log.info("account.disconnected", user_id=user.pk)
    return gone


class EndsEverything:
    """A validator that objects to nothing: Django tells it of every new password, whoever sets it.

    (Not of a hash that is made anew for the same password.)
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Nothing."""

    def get_help_text(self) -> str:
        """What the pages for a new password say."""
        return _("A new password ends all your other sessions and all your tokens.")

    def password_changed(self, password: str, user: User | None = None) -> None:
        """End what the former password has opened."""
        if user is not None:
            end_everything(user)
