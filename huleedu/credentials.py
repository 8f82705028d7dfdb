"""What opens an account besides its password, and how all of it ends together."""

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from huleedu.account_models import PasswordLink, Session
from huleedu.models import ApiToken

log = structlog.get_logger(__name__)


def end_sessions(user: User, but: str | None = None) -> int:
    """End the sessions of ``user``, but the one with the key ``but``; returns how many there were.

    Their sockets close when they look again who is signed in, within a minute.
    """
    sessions = Session.objects.filter(user=user)
    ended, _kinds = (sessions.exclude(pk=but) if but else sessions).delete()
    log.info("sessions.ended", user_id=user.pk, count=ended)
    return ended


def end_session(session: Session) -> bool:
    """End one session; False when it was over."""
    ended, _kinds = Session.objects.filter(pk=session.pk).delete()
    if ended:
        log.info("session.ended", user_id=session.user_id)
    return bool(ended)


def revoke_tokens(user: User) -> int:
    """End the tokens of ``user``; returns how many worked."""
    ended = ApiToken.objects.filter(owner=user, revoked_at=None).update(revoked_at=Now())
    log.info("tokens.revoked", user_id=user.pk, count=ended)
    return ended


def revoke_token(token: ApiToken) -> bool:
    """End one token; False when it was ended before, which keeps its time."""
    ended = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=Now())
    if ended:
        log.info("token.revoked", user_id=token.owner_id, token_id=token.pk)
    return bool(ended)


@transaction.atomic
def end_everything(user: User) -> None:
    """End whatever opens the account now: sessions, tokens, and a link to set a password."""
    end_sessions(user)
    revoke_tokens(user)
    PasswordLink.objects.filter(user=user).delete()


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
