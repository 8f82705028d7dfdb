"""``manage.py security_log --since 2026-11-01 [--until 2026-12-01] [--user NAME]``: the log as JSON lines."""

from argparse import ArgumentParser
from datetime import date, datetime, time

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from huleedu.postgres.clock import database_now
from huleedu.security.security_export import lines
from huleedu.security.security_log import record, summarise
from huleedu.security_kinds import SecurityKind


class Command(BaseCommand):
    """Writes events to standard output; that it was exported is an event, too."""

    help = (
        "Write the security log, who did what and when, as JSON lines, oldest first. "
        "Example: manage.py security_log --since 2026-11-01 --user alma.berg"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", required=True, help="day or time, 2026-11-01 or 2026-11-01T08:00+01:00"
        )
        parser.add_argument("--until", help="day or time before which it ends; now unless said")
        parser.add_argument("--user", help="name of an account, or the number of one that was deleted")

    def handle(self, since: str, until: str | None, user: str | None, **_options: object) -> None:
        beginning = read_time(since)
        end = read_time(until) if until else database_now()
        account_id = find_account(user) if user else None
        summarise()
        for line in lines(beginning, end, account_id):
            self.stdout.write(line)
        told = {"since": beginning.isoformat(), "until": end.isoformat()}
        record(SecurityKind.LOG_EXPORTED, account=account_id, details=told)


def read_time(text: str) -> datetime:
    """A day's beginning or a time, in the configured zone unless it says another. Raises ``CommandError``."""
    try:
        found = datetime.fromisoformat(text)
        if len(text) <= len("2026-11-01"):
            found = datetime.combine(date.fromisoformat(text), time.min)
        return found if found.tzinfo else timezone.make_aware(found)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{text!r} is no day or time: write 2026-11-01 or 2026-11-01T08:00.") from error


def find_account(text: str) -> int:
    """The number of the account with this name, or this number. Raises ``CommandError``."""
    found = User.objects.filter(username=text).values_list("pk", flat=True).first()
    if found is not None:
        return int(found)
    if text.isascii() and text.isdigit():
        return int(text)
    raise CommandError(f"There is no account {text!r}. For a deleted one give its number.")
