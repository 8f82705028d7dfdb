"""Close an account."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from huleedu import closing


class Command(BaseCommand):
    """``manage.py close_account USERNAME``."""

    help = "Close an account: sessions and tokens end, nobody signs in, and what it has stays."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose."""
        parser.add_argument("username")

    def handle(self, *_: Any, **options: Any) -> None:
        """Close it."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError("There is no account of this name.")
        closing.close_account(user)
        self.stdout.write("The account is closed.")
