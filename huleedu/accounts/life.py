"""The life of an account: made, given a link, renamed, limited, closed and opened again.

Each function is one transaction and logs what was done, by numbers alone; who asked for it the caller says.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import structlog
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from huleedu.account_models import PasswordLink
from huleedu.accounts.credentials import end_everything
from huleedu.erasure import Erasure
from huleedu.models import Usage
from huleedu.postgres.clock import database_now
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind

Role = Literal["teacher", "support", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)
FIRST_ROLES: tuple[Role, ...] = ("teacher", "support")  # of the accounts that the first start makes
SUPPORT_GROUP = "support"
ADMINISTRATOR_GROUP = "administrator"
# Without letters and digits that are mistaken for each other on paper.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LINK_LIFETIME = timedelta(hours=24)
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Limits:
    """Limits of one teacher, in bytes, files and batches a day; None where the installation's holds."""

    most_bytes: int | None = None
    most_files: int | None = None
    most_batches: int | None = None


LARGEST = Limits(2**63 - 1, 2**31 - 1, 2**31 - 1)  # what the database holds


def random_password() -> str:
    """Four groups of four characters, about 79 bits of chance."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


@transaction.atomic
def create_account(role: Role, username: str, password: str | None, email: str = "") -> User:
    """Create one account, which a link opens first when ``password`` is None.

    Support staff and administrators may enter the admin with what their group is allowed.
    Raises IntegrityError when the username is taken.
    """
    user = User.objects.create_user(username, email, password=password)
    if role != "teacher":
        set_role(user, role)
    log.info("account.created", user_id=user.pk, role=role)
    return user


@transaction.atomic
def set_role(user: User, role: Role) -> None:
    """Let its owner do what ``role`` may, from the next sign-in on, which may ask for a second factor.

    Sessions and tokens end: they were made for the former role. Batches stay. Raises ValidationError for a
    superuser, who may do everything whatever the role.
    """
    if user.is_superuser:
        raise ValidationError(_("This account was made from a shell and may do everything."))
    user.is_staff = role in (SUPPORT_GROUP, ADMINISTRATOR_GROUP)
    user.save(update_fields=["is_staff"])
    groups = [Group.objects.get_or_create(name=role)[0]] if user.is_staff else []
    user.groups.remove(*Group.objects.filter(name__in=(SUPPORT_GROUP, ADMINISTRATOR_GROUP)))
    user.groups.add(*groups)
    end_everything(user)
    record(SecurityKind.ROLE_CHANGED, account=user, details={"role": role})
    log.info("account.role_changed", user_id=user.pk, role=role)


def role_of(user: User) -> Role:
    """Teacher, or the group of somebody who enters the admin; its groups may have been fetched."""
    names = {group.name for group in user.groups.all()}
    if user.is_superuser or ADMINISTRATOR_GROUP in names:
        return "administrator"
    return "support" if SUPPORT_GROUP in names else "teacher"


@transaction.atomic
def close(user: User) -> None:
    """Let nobody in any more; what belongs to the account stays, and work that waits goes on."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    end_everything(user)
    record(SecurityKind.ACCOUNT_CLOSED, account=user)
    log.info("account.closed", user_id=user.pk)


@transaction.atomic
def reopen(user: User) -> None:
    """Let its owner in again with the password from before. Tokens and sessions do not come back.

    Raises ValidationError while it is being deleted: it would be erased all the same.
    """
    if Erasure.objects.open().filter(kind=Erasure.Kind.ACCOUNT, owner_id=user.pk).exists():
        raise ValidationError(_("The account is being deleted. Take the deletion back instead."))
    User.objects.filter(pk=user.pk).update(is_active=True)
    record(SecurityKind.ACCOUNT_REOPENED, account=user)
    log.info("account.reopened", user_id=user.pk)


@transaction.atomic
def rename(user: User, username: str) -> None:
    """Call the account otherwise; sessions and tokens go on. Raises ValidationError."""
    user.username = username
    user.clean_fields(exclude=["password"])
    try:
        with transaction.atomic():
            user.save(update_fields=["username"])
    except IntegrityError as error:
        taken = _("There is already an account of that name. Choose another one.")
        raise ValidationError(taken) from error
    record(SecurityKind.ACCOUNT_RENAMED, account=user)
    log.info("account.renamed", user_id=user.pk)


@transaction.atomic
def set_email(user: User, email: str) -> None:
    """Where links are mailed; empty for nowhere. Raises ValidationError."""
    user.email = User.objects.normalize_email(email)
    user.clean_fields(exclude=["password"])
    user.save(update_fields=["email"])
    PasswordLink.objects.filter(user=user).delete()  # one that went to the former address
    record(SecurityKind.ACCOUNT_ADDRESS_CHANGED, account=user)
    log.info("account.email_changed", user_id=user.pk)


@transaction.atomic
def set_limits(user: User, limits: Limits) -> None:
    """Give a teacher limits of her own; they hold from the next file or batch on. Raises ValidationError."""
    for name, most in vars(LARGEST).items():
        limit = getattr(limits, name)
        if limit is not None and not 0 <= limit <= most:
            raise ValidationError(_("A limit is a whole number from 0 to %(most)s.") % {"most": most})
    Usage.objects.update_or_create(
        owner=user,
        defaults=vars(limits),
        create_defaults={**vars(limits), "day": timezone.now().date()},
    )
    record(SecurityKind.ACCOUNT_LIMITED, account=user)
    log.info("account.limited", user_id=user.pk, **vars(limits))


def digest_of_link(secret: str) -> str:
    """What is stored of a link: it is random, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def make_link(user: User, *, asked_by_anybody: bool = False) -> tuple[str, datetime]:
    """The secret of a link with which ``user`` may set a password once, and when it ends.

    Links from before end now, unless anybody may have asked for this one: that would take away what an
    administrator has handed out. Raises ValidationError for a closed account.
    """
    if not User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).exists():
        raise ValidationError(_("The account is closed. Open it again first."))
    secret = secrets.token_urlsafe(32)
    ends = database_now() + LINK_LIFETIME
    if not asked_by_anybody:
        PasswordLink.objects.filter(user=user).delete()
    PasswordLink.objects.create(digest=digest_of_link(secret), user=user, expires_at=ends)
    record(SecurityKind.PASSWORD_LINK_MADE, account=user)
    log.info("link.made", user_id=user.pk)
    return secret, ends


def find_link(secret: str) -> User | None:
    """Whose password a link sets; None when it is used, over, or replaced."""
    link = PasswordLink.objects.filter(
        digest=digest_of_link(secret), expires_at__gt=Now(), user__is_active=True
    )
    found = link.select_related("user").first()
    return found.user if found else None


@transaction.atomic
def use_link(secret: str, password: str) -> bool:
    """Set the password, and end the link and all that the former one opened. False for an ended link."""
    owner = find_link(secret)
    if owner is None:
        return False
    # Two links of one account are used one after the other, and the first one used ends both.
    user = User.objects.select_for_update(no_key=True).filter(pk=owner.pk).first()
    if user is None or find_link(secret) is None:
        return False
    user.set_password(password)
    user.save(update_fields=["password"])  # which ends the link, too
    log.info("link.used", user_id=user.pk)
    return True
