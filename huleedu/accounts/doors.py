"""The doors where passwords are tried (page, admin, API, change of password), counted in the database.

A wrong password makes its own pair of name and place wait, and that longer each time; nobody is locked out.
A place is a device that has signed in under that name before, else a network. Strangers are slowed for a name
that fails in many networks, and for a network in which many names fail; who is known in a place is not.
All times are the database's, at the start of a transaction where there is one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

import structlog
from django.contrib.auth.models import User
from django.contrib.postgres.functions import TransactionNow
from django.db import connection
from django.db.models import F, Max
from django.db.models.functions import Greatest
from django.http import HttpRequest

from huleedu.accounts.devices import device_of, digest, same_name
from huleedu.failures.errors import MustWait
from huleedu.http.networks import client_network
from huleedu.models import FamiliarPlace, SignInTally
from huleedu.outside.metrics import RECENT_WRONG_PASSWORDS, SIGN_IN_TRIES
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind

FORGOTTEN = timedelta(hours=1)  # after the last failure
SET_BACK = timedelta(minutes=1)  # beyond the longest wait: a clock was set back, nobody is waiting
FAMILIAR = timedelta(days=90)  # after the last success
FAMILIAR_NOTED_EVERY = timedelta(days=1)
TOLD = "huleedu.wait"  # in a request's META: why its password was not looked at
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Rule:
    """From the ``free``-th failure on one waits: ``first`` seconds, doubled each time up to ``longest``."""

    kind: SignInTally.Kind
    free: int
    first: int
    longest: int


PAIR = Rule(SignInTally.Kind.PAIR, free=10, first=15, longest=300)
NAME = Rule(SignInTally.Kind.NAME, free=100, first=5, longest=60)
NETWORK = Rule(SignInTally.Kind.NETWORK, free=20, first=5, longest=60)  # names, each counted once
# Two at once are counted one after the other, and the later may have begun before the one it waits for. A
# clock that was set back must not make anybody wait for long.
COUNT = """
INSERT INTO huleedu_signintally AS tally (subject, kind, failures, failed_at, opens_at)
VALUES (%(subject)s, %(kind)s, 1, now(), now())
ON CONFLICT (subject) DO UPDATE SET
  failures = CASE WHEN tally.failed_at < now() - %(forgotten)s
    THEN 1 ELSE least(tally.failures, 1000000) + 1 END,
  opens_at = now() + CASE
    WHEN tally.failed_at < now() - %(forgotten)s OR tally.failures + 1 < %(free)s
    THEN interval '0' ELSE make_interval(secs =>
      least(%(first)s * 2.0 ^ least(tally.failures + 1 - %(free)s, 20), %(longest)s)::float8) END,
  failed_at = now()
WHERE NOT %(obeying)s OR tally.opens_at <= now()
  OR tally.opens_at > now() + make_interval(secs => %(longest)s) + %(set_back)s
RETURNING failures
"""


def count(rule: Rule, subject: str, *, obeying: bool) -> int | None:
    """Count a failure of ``subject``: how many there are. ``obeying`` a wait: None, and none counted."""
    times = {"forgotten": FORGOTTEN, "set_back": SET_BACK}
    values = {"subject": subject, "obeying": obeying, **times, **vars(rule)}
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {**values, "kind": rule.kind.value})
        row = cursor.fetchone()
        return int(row[0]) if row else None


@dataclass(frozen=True)
class Asked:
    """What somebody tries for a name: it has a count of its own, and the security log calls it ``failed``."""

    label: str
    failed: SecurityKind


PASSWORD = Asked("", SecurityKind.SIGN_IN_FAILED)
CODE = Asked("second factor: ", SecurityKind.SECOND_FACTOR_FAILED)
LINK = Asked("forgotten: ", SecurityKind.PASSWORD_LINK_ASKED)  # which is never right


@dataclass
class Attempt:
    """One password or code that is tried; ``right`` is set by whoever looked at it."""

    asked: Asked
    username: str
    pair: str
    name: str
    network: str  # "" when it is not known, or a known device is enough
    shown_network: str
    device: bool
    familiar: bool = False
    failures: int = 0  # of the pair, this one included while it is not known to be right
    right: bool = False

    @classmethod
    def of(cls, request: HttpRequest, username: str, asked: Asked) -> "Attempt":
        """Who tries what where."""
        name = digest("name", same_name(asked.label + username))
        network = client_network(request)
        device = device_of(request)
        known = device is not None and name in device.names
        place = ("device", device.number) if device is not None and known else ("network", network)
        return cls(
            asked=asked,
            username=username,
            pair=digest("pair", name, *place),
            name=name,
            network="" if known or not network else digest("network", network),
            shown_network=network,
            device=known,
        )

    def begin(self) -> None:
        """Count the try as one that fails until it is known. Raises ``MustWait``; then nothing is counted."""
        known = FamiliarPlace.objects.filter(pk=self.pair, seen_at__gt=TransactionNow() - FAMILIAR)
        self.familiar = self.device or known.exists()
        strangers = [] if self.familiar else [self.name, *filter(None, [self.network])]
        wait = seconds_to_wait(self.pair, *strangers)
        failures = None if wait else count(PAIR, self.pair, obeying=True)
        if failures is None:
            raise MustWait(wait or seconds_to_wait(self.pair) or PAIR.first)
        self.failures = failures

    def take_back(self) -> None:
        """Nobody has looked at the password."""
        tally = SignInTally.objects.filter(pk=self.pair, failures__gt=0)
        tally.update(failures=F("failures") - 1, opens_at=TransactionNow())

    def end(self) -> None:
        """Keep what is known now."""
        if self.asked is not LINK:
            SIGN_IN_TRIES.labels("right" if self.right else "wrong").inc()
            if not self.right:
                RECENT_WRONG_PASSWORDS.add()
        if self.right:
            self.forgive()
        else:
            self.blame()

    def forgive(self) -> None:
        """Forget the pair's failures, and that the network had them."""
        SignInTally.objects.filter(pk=self.pair).delete()
        if self.network and self.failures > 1:
            tally = SignInTally.objects.filter(pk=self.network)
            tally.update(failures=Greatest(F("failures") - 1, 0))
        fresh = FamiliarPlace.objects.filter(
            pk=self.pair, seen_at__gt=TransactionNow() - FAMILIAR_NOTED_EVERY
        )
        if not self.device and self.shown_network and not fresh.exists():
            FamiliarPlace.objects.update_or_create(pk=self.pair, defaults={"seen_at": TransactionNow()})

    def blame(self) -> None:
        """Count for the name, and for the network if this name is new there; write it down."""
        self.tell(self.asked.failed)
        if not self.device:
            count(NAME, self.name, obeying=False)
        if not self.network or self.failures > 1:
            return
        names = count(NETWORK, self.network, obeying=False)
        if names and names % NETWORK.free == 0:
            log.warning("sign_in.many_names", network=self.shown_network, names=names)

    def tell(self, kind: SecurityKind) -> None:
        """To the security log: whose account is tried; of a name nobody has, the beginning of its digest."""
        named = digest("name", same_name(self.username))
        account = User.objects.filter(username=self.username).values_list("pk", flat=True).first()
        record(kind, account=account, details={} if account else {"name": named[:12]})


def seconds_to_wait(*subjects: str) -> int:
    """How many seconds until all ``subjects`` may try again; 0 when they may."""
    latest = timedelta(seconds=PAIR.longest) + SET_BACK
    waiting = SignInTally.objects.filter(
        pk__in=subjects, opens_at__gt=TransactionNow(), opens_at__lte=TransactionNow() + latest
    ).aggregate(wait=Max(F("opens_at") - TransactionNow()))["wait"]
    return ceil(waiting.total_seconds()) if waiting else 0


@contextmanager
def attempt(request: HttpRequest, username: str, asked: Asked = PASSWORD) -> Iterator[Attempt]:
    """Around a look at what ``username`` was ``asked`` for; set ``right`` inside when it was right.

    Raises ``MustWait`` instead when it is too early. An exception inside takes the try back.
    """
    tried = Attempt.of(request, username, asked)
    try:
        tried.begin()
    except MustWait as wait:
        SIGN_IN_TRIES.labels("waiting").inc()
        tried.tell(SecurityKind.SIGN_IN_WAITED)
        request.META[TOLD] = wait
        raise
    try:
        yield tried
    except BaseException as error:
        tried.take_back()
        if isinstance(error, MustWait):
            SIGN_IN_TRIES.labels("busy").inc()
            request.META[TOLD] = error
        raise
    tried.end()
