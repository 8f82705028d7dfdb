"""``manage.py check_installation``: does every process fit? Exit code 0 when all do, else 1."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from huleedu.failures.errors import StorageFailed, Unfit
from huleedu.fit.agreement import Difference, Process, find_differences, living
from huleedu.fit.fitting import REFUSED
from huleedu.fit.installation import check_key
from huleedu.fit.store_mark import UNSEEN, check_store, mark_store
from huleedu.postgres.database_schema import check_schema

ROLES = {"web": ("web",), "relay": ("relay",), "steps": ("steps", "worker")}
DOES = {
    "web": "answers browsers",
    "relay": "leads",
    "standby": "stands by",
    "steps": "waits for work",
    "worker": "reads and checks",
}
LINE = "{role:8} {host:24} {pid:>7}  {seen:>9}  {verdict}"


class Command(BaseCommand):
    """Looks at everything; prints each process, and for each thing that is wrong what to do."""

    help = (
        "Say of every process whether it fits the installation, and what to do about those that do not. "
        "Example: manage.py check_installation --wait 60"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--wait", type=float, default=0.0, metavar="SECONDS", help="look again until all fits, so long"
        )
        parser.add_argument(
            "--adopt",
            action="store_true",
            help="make this command's SECRET_KEY and content store the installation's, when the old are lost",
        )

    def handle(self, wait: float, adopt: bool, **_options: object) -> None:
        until = time.monotonic() + wait
        try:
            if adopt:
                take_over()
            while not (lines := report())[1] and time.monotonic() < until:
                time.sleep(1)
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(
                "The database does not answer as it should. Start HuleEdu, or the server that DATABASE_URL "
                f"names, and see that its address and password are right. ({error})"
            ) from error
        self.stdout.write("\n".join(lines[0]))
        if not lines[1]:
            sys.exit(1)


def take_over() -> None:
    """Make this process's key and store the installation's.

    Raises CommandError while others run, or when the store does not answer.
    """
    check_schema()
    running = [each.name for each in living() if each.role != REFUSED]
    if running:
        raise CommandError(f"Stop all processes first, and wait two minutes. Seen: {', '.join(running)}")
    check_key(adopt=True)
    try:
        mark_store(adopt=True)
    except StorageFailed as error:
        raise CommandError(
            "The content store does not take the mark: look at its folder, or its bucket and credentials."
        ) from error


def report() -> tuple[list[str], bool]:
    """What to print, and whether all is well."""
    own = list(own_faults())
    try:
        processes = living()
        differences = find_differences(processes)
    except (DatabaseError, InterfaceError):
        if not own:
            raise
        return [*own, "The processes cannot be looked at until then."], False
    lines = [line_of(each, differences) for each in processes]
    wrong = [f"{each.process} {each.text}" for each in differences]
    wrong += [f"No {role} process is running: start one." for role in missing(processes)]
    return [*lines, *wrong, *own, *([] if wrong or own else ["All processes fit."])], not (wrong or own)


def own_faults() -> Iterator[str]:
    """What is wrong with the environment of this command, as it would be with a process started in it."""
    try:
        check_schema()
    except Unfit as error:
        yield f"This command: {error}"
        return
    try:
        check_key(record=False)
        if check_store() == UNSEEN:
            yield "This command could not read the content store: look at its folder, or its credentials."
    except (Unfit, ImproperlyConfigured) as error:
        yield f"This command: {error}"


def missing(processes: list[Process]) -> list[str]:
    """The roles that nobody has."""
    seen = {each.role for each in processes}
    return [role for role, names in ROLES.items() if not seen & set(names)]


def line_of(process: Process, differences: list[Difference]) -> str:
    """One process in one line."""
    subjects = [each.subject for each in differences if each.process == process.name]
    host, pid = process.facts.get("host"), process.facts.get("pid", "")
    if host is None:
        host, _, pid = process.name.partition("-")[2].rpartition("-")
    return LINE.format(
        role=process.role,
        host=host,
        pid=pid,
        seen=f"{process.seconds:.0f} s ago",
        verdict=verdict(process, subjects),
    )


def verdict(process: Process, subjects: list[str]) -> str:
    """What a process is doing, or in what it differs."""
    if process.role == REFUSED:
        return "DID NOT START"
    if subjects:
        return f"DIFFERS: {', '.join(subjects)}"
    return f"fits, {DOES.get(process.role, 'runs')}"
