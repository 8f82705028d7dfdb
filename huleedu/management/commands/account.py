"""``manage.py account …``: what an administrator does with accounts, from a shell."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, OperationalError
from django.db.models import Count
from django.utils import timezone

from files.actions.handing_over import hand_over
from huleedu.accounts import closing
from huleedu.accounts import life as accounts
from huleedu.accounts.credentials import disconnect, end_sessions, revoke_tokens
from huleedu.accounts.factors import reset_factors
from huleedu.accounts.life import ROLES, role_of
from huleedu.accounts.links import address_of_link, mail_link
from huleedu.accounts.sessions import live_sessions
from huleedu.erasure import Erasure
from huleedu.failures.errors import Refused
from huleedu.machine import environment

NAMED = {
    "close": "Let nobody in any more; batches stay.",
    "reopen": "Let its owner in again.",
    "link": "Print a link with which its owner sets a password, once, within 24 hours; or mail it.",
    "sessions": "List where its owner is signed in.",
    "end-sessions": "Sign its owner out everywhere, and end all tokens.",
    "reset-factors": "Take away the second factor of somebody who has lost it.",
    "rename": "Give it another user name.",
    "role": "Let its owner do more or less; sessions and tokens end, batches stay.",
    "email": "Say where links are mailed; an empty address for nowhere.",
    "disconnect": "Forget whom of the school's sign-in it belongs to.",
    "hand-over": "Give all batches to a colleague, those in the bin too.",
    "delete": "Close it, and erase it with its batches, files and tokens when the time of the bin is over.",
    "limits": "Give a teacher limits of her own; what is left out is the installation's.",
}


def size(word: str) -> int:
    """Bytes, as settings write them. Raises ArgumentTypeError."""
    found = environment.understood(word, environment.SIZES)
    if found is None or found != int(found):
        raise ArgumentTypeError("write a number of bytes, or a number with KB, MB, GB or TB, such as 50GB")
    return int(found)


class Command(BaseCommand):
    """One subcommand for each deed."""

    help = (
        "List, make, close, rename and otherwise look after accounts. Each deed tells more with --help. "
        "Example: manage.py account create teacher alma.berg"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        deeds.add_parser("list", help="List all accounts.")
        create = deeds.add_parser("create", help="Make one, and print a link to set its password.")
        create.add_argument("role", choices=ROLES, help="what the account is for")
        create.add_argument("username", help="the name to sign in with")
        create.add_argument("--email", default="", help="where a link can be mailed")
        create.add_argument(
            "--password", action="store_true", help="print a random password instead of a link"
        )
        made = {}
        for name, meaning in NAMED.items():
            made[name] = deeds.add_parser(name, help=meaning, description=meaning)
            made[name].add_argument("username", help="the name of the account")
        made["rename"].add_argument("new_name", help="the name from now on")
        made["role"].add_argument("role", choices=ROLES, help="what the account is for from now on")
        made["email"].add_argument("address", help="its mail address from now on")
        made["hand-over"].add_argument("colleague", help="the account that gets all batches")
        made["link"].add_argument("--mail", action="store_true", help="mail it to the account's address")
        when = made["delete"].add_mutually_exclusive_group()
        when.add_argument("--now", action="store_true", help="erase it at once, for good")
        when.add_argument("--undo", action="store_true", help="keep it after all, and open it again")
        made["limits"].add_argument("--bytes", type=size, help="none: as for all teachers")
        for limit in ("files-a-day", "batches-a-day"):
            made["limits"].add_argument(f"--{limit}", type=int, help="none: as for all teachers")

    def handle(self, *, deed: str, **options: Any) -> None:
        act: Callable[..., None] = getattr(self, deed.replace("-", "_"))
        try:
            if "username" in options and deed != "create":
                options["user"] = self.find(options["username"])
            act(**options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except OperationalError as error:
            raise CommandError(
                f"The database does not answer. Start HuleEdu first, with make run or its service ({error})"
            ) from error

    def find(self, username: str) -> User:
        """The account of that name. Raises CommandError."""
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no account {username!r}. List them: manage.py account list")
        return user

    def list(self, **_: Any) -> None:
        """Name, role, state or when it is erased, when it was last used, and how many batches it has."""
        asked = Erasure.objects.open().filter(kind=Erasure.Kind.ACCOUNT)
        erased = dict(asked.values_list("owner_id", "due_at"))
        users = User.objects.prefetch_related("groups").annotate(batch_count=Count("batches"))
        for user in users.order_by("username"):
            used = (
                timezone.localtime(user.last_login).strftime("%Y-%m-%d %H:%M") if user.last_login else "never"
            )
            state = "open" if user.is_active else "closed"
            if user.pk in erased:
                state = f"erased on {timezone.localtime(erased[user.pk]):%Y-%m-%d}"
            self.stdout.write(
                f"{user.username}\t{role_of(user)}\t{state}\t{used}\t{user.batch_count} batches"
            )

    def create(self, role: accounts.Role, username: str, email: str, password: bool, **_: Any) -> None:
        """Make it."""
        chosen = accounts.random_password() if password else None
        User(username=username, email=email).clean_fields(exclude=["password"])
        try:
            user = accounts.create_account(role, username, chosen, email)
        except IntegrityError as error:
            raise CommandError(f"There is already an account {username!r}. Choose another name.") from error
        if chosen:
            self.stdout.write(chosen)
        else:
            self.link(user=user, mail=False)

    def close(self, user: User, **_: Any) -> None:
        """Close it."""
        accounts.close(user)
        self.stdout.write(
            f"{user.username} is closed. Its {user.batches.count()} batches stay: see hand-over."
        )

    def reopen(self, user: User, **_: Any) -> None:
        """Open it again."""
        accounts.reopen(user)
        self.stdout.write(f"{user.username} is open again.")

    def link(self, user: User, mail: bool, **_: Any) -> None:
        """Print or mail a link."""
        if mail and not user.email:
            raise CommandError(f"{user.username} has no address. Give one: manage.py account email")
        secret, ends = accounts.make_link(user)
        address = address_of_link(secret)
        if mail:
            mail_link(user, address)
        self.stdout.write(f"Mailed to {user.email}" if mail else address)
        self.stderr.write(f"It works once, until {timezone.localtime(ends):%Y-%m-%d %H:%M}.")

    def sessions(self, user: User, **_: Any) -> None:
        """List them."""
        for session in live_sessions(user):
            times = [
                timezone.localtime(time).strftime("%Y-%m-%d %H:%M")
                for time in (session.begun_at, session.seen_at)
            ]
            self.stdout.write("\t".join([*times, session.device or "unknown", session.network or "-"]))

    def end_sessions(self, user: User, **_: Any) -> None:
        """End them, and tokens."""
        self.stdout.write(f"Ended {end_sessions(user)} sessions and {revoke_tokens(user)} tokens.")

    def reset_factors(self, user: User, **_: Any) -> None:
        """Take them away."""
        reset_factors(user)
        self.stdout.write(f"{user.username} signs in with the password alone until a new factor is set up.")

    def disconnect(self, user: User, **_: Any) -> None:
        """Forget who comes by the school's provider."""
        if not disconnect(user):
            raise CommandError(f"{user.username} is not connected to the school's sign-in.")
        self.stdout.write(f"{user.username} is connected anew at the next sign-in by the school.")

    def rename(self, user: User, new_name: str, **_: Any) -> None:
        """Rename it."""
        accounts.rename(user, new_name)
        self.stdout.write(f"It is called {new_name} now.")

    def role(self, user: User, role: accounts.Role, **_: Any) -> None:
        """Set the role."""
        accounts.set_role(user, role)
        self.stdout.write(f"{user.username} is {role} now, and signs in once more.")

    def email(self, user: User, address: str, **_: Any) -> None:
        """Set the address."""
        accounts.set_email(user, address)
        self.stdout.write(f"Links for {user.username} go to {user.email or 'nowhere'}.")

    def hand_over(self, user: User, colleague: str, **_: Any) -> None:
        """Give its batches away."""
        other = self.find(colleague)
        if not other.is_active:
            raise CommandError(f"{colleague} is closed. Open it first: manage.py account reopen")
        done = hand_over(user, other)
        self.stdout.write(
            f"{done.batches} batches of {user.username} belong to {colleague} now, "
            f"{done.binned} of them in the bin."
        )

    def delete(self, user: User, now: bool, undo: bool, **_: Any) -> None:
        """Delete it, or keep it after all, and say until when it can be taken back."""
        if undo:
            try:
                closing.keep_account(user)
            except Refused as refusal:
                raise CommandError("There is no deletion that could be taken back.") from refusal
            self.stdout.write(f"{user.username} is open again. Its owner needs new tokens.")
            return
        erasure = closing.delete_account(user, at_once=now)
        if now:
            self.stdout.write(f"{user.username} is closed and is being erased.")
        else:
            until = timezone.localtime(erasure.due_at)
            self.stdout.write(
                f"{user.username} is closed. It is erased on {until:%Y-%m-%d}; --undo keeps it."
            )

    def limits(
        self,
        user: User,
        bytes: int | None,
        files_a_day: int | None,
        batches_a_day: int | None,
        **_: Any,
    ) -> None:
        """Set them."""
        accounts.set_limits(user, accounts.Limits(bytes, files_a_day, batches_a_day))
        self.stdout.write(f"Limits of {user.username} are set.")
