"""Delete an account with all it has."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from huleedu import closing
from huleedu.errors import Refused


class Command(BaseCommand):
    """``manage.py delete_account USERNAME [--now | --undo]``."""

    help = (
        "Close an account and erase it with its batches, files and tokens when the time of the bin is over."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, and when."""
        parser.add_argument("username")
        when = parser.add_mutually_exclusive_group()
        when.add_argument("--now", action="store_true", help="erase it at once, for good")
        when.add_argument("--undo", action="store_true", help="keep it after all, and open it again")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it and say until when it can be taken back."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError("There is no account of this name.")
        if options["undo"]:
            try:
                closing.keep_account(user)
            except Refused as refusal:
                raise CommandError("There is no deletion that could be taken back.") from refusal
            self.stdout.write("The account is open again. Its owner needs new tokens.")
            return
        erasure = closing.delete_account(user, at_once=options["now"])
        if options["now"]:
            self.stdout.write("The account is closed and is being erased.")
        else:
            until = timezone.localtime(erasure.due_at)
            self.stdout.write(f"The account is closed. It is erased on {until:%Y-%m-%d}; --undo keeps it.")
