"""Does this process's key belong to this database? One row knows."""

from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from huleedu.failures.errors import Unfit
from huleedu.fit.fingerprint import key_fingerprint
from huleedu.models import Installation

LOST_KEY = (
    "If that key is lost for good, run: python manage.py check_installation --adopt "
    "(everybody has to sign in again)."
)
log = structlog.get_logger(__name__)


def current() -> Installation:
    """The installation's row, made at first. Raises DatabaseError."""
    return Installation.objects.get_or_create(pk=1)[0]


def locked() -> Installation:
    """The row for this transaction alone."""
    current()
    return Installation.objects.select_for_update().get(pk=1)


@transaction.atomic
def check_key(*, record: bool = True, adopt: bool = False) -> UUID:
    """Hold this process's key against the installation's, which the first process's becomes.

    A new key is taken from a process that still accepts the last one; ``adopt`` takes any, without ``record``
    none is taken. Returns the installation's identity. Raises Unfit, and ImproperlyConfigured without a key.
    """
    row = locked()
    mine = key_fingerprint(settings.SECRET_KEY, row.identity)
    accepted = {key_fingerprint(key, row.identity) for key in settings.SECRET_KEY_FALLBACKS}
    if mine == row.key:
        return row.identity
    if row.key and row.key not in accepted and not adopt:
        raise Unfit(
            "SECRET_KEY is not the key of this installation: others would throw away what this process "
            "signs, and it would sign their users out. Give it the SECRET_KEY of the others; with `make run` "
            f"it is in the file secrets/secret-key of the first machine's state folder. {LOST_KEY}"
        )
    if adopt or (record and mine != row.former_key):
        log.info("installation.key", status="changed" if row.key else "recorded")
        row.former_key, row.key = row.key, mine
        row.save()
    return row.identity
