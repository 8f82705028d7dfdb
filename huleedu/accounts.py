"""Accounts made from the command line: the two roles and their generated passwords."""

import secrets
from typing import Literal, get_args

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.db import transaction

Role = Literal["teacher", "support"]
ROLES: tuple[Role, ...] = get_args(Role)
SUPPORT_GROUP = "support"
# Without letters and digits that are mistaken for each other on paper.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def random_password() -> str:
    """Four groups of four characters, about 79 bits of chance."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


@transaction.atomic
def create_account(role: Role, username: str, password: str) -> User:
    """Create one account; support staff may enter the admin with what the group ``support`` is allowed.

    Raises IntegrityError when the username is taken.
    """
    user = get_user_model().objects.create_user(username, password=password, is_staff=role == "support")
    if role == "support":
        group, _ = Group.objects.get_or_create(name=SUPPORT_GROUP)
        user.groups.add(group)
    return user
