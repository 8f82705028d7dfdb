"""Deleting an account with all that it has, and taking that back. Each is one transaction."""

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from huleedu.accounts import erasures
from huleedu.accounts import life as accounts
from huleedu.erasure import Erasure
from huleedu.failures.errors import Refused
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind


@transaction.atomic
def delete_account(user: User, *, at_once: bool = False) -> Erasure:
    """Close it, and have it erased with its batches, files and tokens when the time of the bin is over.

    Returns what the ledger says; a repeat changes nothing but, ``at_once``, the time.
    """
    accounts.close(user)
    erasure = Erasure.objects.open().filter(kind=Erasure.Kind.ACCOUNT, owner_id=user.pk).first()
    if erasure is None:
        record(SecurityKind.ACCOUNT_DELETED, account=user)
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
    accounts.reopen(user)
