"""``manage.py create_account teacher|support USERNAME``: make an account and print its password."""

from argparse import ArgumentParser

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, OperationalError

from huleedu.accounts.life import ROLES, Role, create_account, random_password


class Command(BaseCommand):
    """Creates one account."""

    help = (
        "Make an account and print the random password of that account, once: pass it on to its owner. "
        "Example: manage.py create_account teacher alma.berg"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", choices=ROLES, help="what the account is for")
        parser.add_argument("username", help="the name to sign in with")

    def handle(self, role: Role, username: str, **_options: object) -> None:
        password = random_password()
        try:
            get_user_model()(username=username).clean_fields(exclude=["password"])
            create_account(role, username, password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except IntegrityError as error:
            raise CommandError(f"There is already an account {username!r}. Choose another name.") from error
        except OperationalError as error:
            raise CommandError(
                f"The database does not answer. Start HuleEdu first, with make run or its service ({error})"
            ) from error
        self.stderr.write(f"The password of {username}, which is not shown again:")
        self.stdout.write(password)
