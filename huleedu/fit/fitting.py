"""Every process is compared with the installation before it serves; one that does not fit ends."""

import hashlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from huleedu.failures import outages
from huleedu.failures.errors import Unfit
from huleedu.fit import walls
from huleedu.fit.fingerprint import facts_of
from huleedu.fit.installation import check_key
from huleedu.fit.store_mark import UNSEEN, claim_store
from huleedu.machine import latch
from huleedu.models import RelayPresence
from huleedu.postgres.database_schema import check_schema
from huleedu.postgres.presence import Identity, process_name, sign

# As sysexits.h has it: starting the program again does not help, something must be set right first.
EXIT_UNFIT = os.EX_CONFIG
WAIT_SECONDS = 1.0  # between two tries while the database is away
AWAY = (OperationalError, InterfaceError)
LOOK_SECONDS = 30.0  # between two looks at a store that did not answer
ANOTHER = "another"
CLUSTERS, RELAYS = ("relay", "steps"), ("standby", "relay")
REFUSED = "refused"  # the role of a process that was not let in
REFUSED_SECONDS = 24 * 60 * 60
CONTROL_GROUP = Path("/proc/self/cgroup")
log = structlog.get_logger(__name__)


def fit() -> None:
    """Check schema, key and store, and remember what this process tells of itself from now on.

    Raises Unfit with what to do, and OperationalError or InterfaceError while the database is away.
    """
    latch.wait()
    try:
        schema = check_schema()
        identity = check_key()
        store = claim_store()
        Identity.facts = facts_of(identity, schema, store)
        Identity.find_out = look_again if store == UNSEEN else None
        RelayPresence.objects.filter(pk=refused_name(settings.PROCESS)).delete()
    except ImproperlyConfigured as error:
        raise Unfit(str(error)) from error
    except DatabaseError as error:
        remedy = outages.REMEDIES.get(outages.state_of(error))
        if remedy is None:
            raise
        raise Unfit(f"The database does not let it work. {remedy}") from error
    walls.log_missing()


def fit_cluster(queue: str | None) -> None:
    """Before a cluster of ``queue``, else of ``Q_CLUSTER_NAME``: end a process that does not fit.

    Raises CommandError for one that would serve nobody, because the queue is not that of the process.
    """
    name = queue or os.environ.get("Q_CLUSTER_NAME", "")
    if settings.PROCESS not in CLUSTERS or name != settings.PROCESS:
        raise CommandError(
            "A cluster serves one queue. Start it with HULEEDU_PROCESS=relay Q_CLUSTER_NAME=relay or "
            f"HULEEDU_PROCESS=steps Q_CLUSTER_NAME=steps, not {settings.PROCESS!r} and {name!r}.",
            returncode=EXIT_UNFIT,
        )
    if settings.PROCESS == "steps":
        from huleedu.fit.warming import warm_steps  # a web server needs none of it

        warm_steps()
    fit_or_end(settings.PROCESS)


def fit_relay() -> None:
    """Before a relay outside a cluster. Raises CommandError for a process that is no relay."""
    if settings.PROCESS not in RELAYS:
        raise CommandError(
            f"Start a relay with HULEEDU_PROCESS=standby, not {settings.PROCESS!r}.", returncode=EXIT_UNFIT
        )
    fit_or_end(settings.PROCESS)


def fit_or_end(role: str) -> None:
    """As ``fit``, for a process that can do nothing without: waits for the database, ends when unfit."""
    said = False
    while True:
        try:
            fit()
            return
        except Unfit as error:
            refuse(role, error)
            sys.exit(EXIT_UNFIT)
        except AWAY as error:
            if not said:
                outages.report(log, "process", error)
            said = True
        finally:
            connection.close()  # of this process: its children take connections of their own
        time.sleep(WAIT_SECONDS)


def refuse(role: str, error: Unfit) -> None:
    """Say why this process does not serve: in the log, to whoever looks, and to the other processes."""
    log.error("process.unfit", status="error", reason=str(error))
    sys.stderr.write(f"HuleEdu does not start this process. {error}\n")
    sys.stderr.flush()
    Identity.facts = {"host": socket.gethostname(), "reason": str(error)}
    Identity.find_out = None
    try:
        sign(refused_name(role), REFUSED)
    except (DatabaseError, InterfaceError):
        log.info("process.unfit.untold")


def refused_name(role: str) -> str:
    """One name for all the tries of one process: they may be many, and none has the id of another.

    What stays the same from try to try is its machine, its unit of systemd and its command line.
    """
    same = hashlib.sha256(" ".join([unit(), *sys.argv[1:]]).encode(errors="replace")).hexdigest()[:6]
    return f"{process_name(role).rpartition('-')[0]}-{same}-{REFUSED}"


def unit() -> str:
    """The service of systemd that this process belongs to; empty when it was started otherwise."""
    with suppress(OSError):
        name = CONTROL_GROUP.read_text(encoding="utf-8", errors="replace").strip()
        return name.rpartition("/")[2] if name.endswith(".service") else ""
    return ""


class Looks:
    """The looks at a store that did not answer at the start: now and then, and one at a time."""

    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)  # the one that is out does not come back there

    def forget(self) -> None:
        """Begin anew: none is out."""
        self.at = -LOOK_SECONDS
        self.out = threading.Lock()


LOOKS = Looks()


def look_again() -> None:
    """Look for a store that did not answer at the start, beside what this process does."""
    if time.monotonic() - LOOKS.at < LOOK_SECONDS or not LOOKS.out.acquire(blocking=False):
        return
    LOOKS.at = time.monotonic()
    try:
        threading.Thread(target=see_store, args=(LOOKS.out.release,), name="store", daemon=True).start()
    except RuntimeError:  # no thread to be had now
        LOOKS.out.release()


def see_store(ended: Callable[[], None]) -> None:
    """Remember what the store says, once it answers."""
    try:
        remember(claim_store())
    except Unfit as error:
        log.error("process.unfit", status="error", reason=str(error))
        remember(ANOTHER)
    except (DatabaseError, InterfaceError):
        log.info("store.unseen", reason="database")
    finally:
        connection.close()
        ended()


def remember(store: str) -> None:
    """Tell from now on what the store is to this process."""
    Identity.facts = {**Identity.facts, "store": store}
    if store != UNSEEN:
        Identity.find_out = None
