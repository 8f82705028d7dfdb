"""Closing an account, deleting it with all that it has, and taking that back. Each is one transaction."""

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.functions import Now

from huleedu import erasures
from huleedu.erasure import Erasure
from huleedu.errors import Refused
from huleedu.models import ApiToken


@transaction.atomic
def close_account(user: User) -> None:
    """Nobody signs in to it from now on; its sessions and tokens end. What it has stays."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    ApiToken.objects.filter(owner=user, revoked_at=None).update(revoked_at=Now())
    ended = [row.pk for row in Session.objects.iterator() if is_of(row, user)]
    Session.objects.filter(pk__in=ended).delete()


def is_of(row: Session, user: User) -> bool:
    """True for a session in which ``user`` is signed in."""
    return str(row.get_decoded().get("_auth_user_id")) == str(user.pk)


@transaction.atomic
def delete_account(user: User, *, at_once: bool = False) -> Erasure:
    """Close it, and have it erased with its batches, files and tokens when the time of the bin is over.

    Returns what the ledger says; a repeat changes nothing but, ``at_once``, the time.
    """
    close_account(user)
    erasure = Erasure.objects.open().filter(kind=Erasure.Kind.ACCOUNT, owner_id=user.pk).first()
    if erasure is None:
        seconds = 0 if at_once else settings.BIN_SECONDS
        return erasures.ask(Erasure.Kind.ACCOUNT, user.pk, seconds)
    if at_once:
        erasures.hasten(erasure)
    return erasure


@transaction.atomic
def keep_account(user: User) -> None:
    """Take the deletion back and open the account again. Raises ``Refused`` when there is none."""
    if not Erasure.objects.open().filter(kind=Erasure.Kind.ACCOUNT, owner_id=user.pk).exists():
        raise Refused("NOT_REMOVED")
    erasures.take_back(kind=Erasure.Kind.ACCOUNT, owner_id=user.pk)
    User.objects.filter(pk=user.pk).update(is_active=True)
