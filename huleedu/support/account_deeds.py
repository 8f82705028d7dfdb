"""What administrators do to an account: a button on its page in the admin, and an action on chosen ones."""

from collections.abc import Callable

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from huleedu.accounts import closing
from huleedu.accounts import life as accounts
from huleedu.accounts.credentials import disconnect, end_sessions, revoke_tokens
from huleedu.accounts.factors import reset_factors
from huleedu.answers.measures import with_limits
from huleedu.erasure import Erasure
from huleedu.support.base import Deed

MAY = "auth.change_user"


def is_open(user: User) -> bool:
    """True for an account that lets its owner in."""
    return user.is_active


def end_all(user: User, _by: User) -> None:
    """Sign out everywhere."""
    end_sessions(user)
    revoke_tokens(user)


def of_others(act: Callable[[User], object]) -> Callable[[User, User], object]:
    """``act``, but not on one's own account: a mistake would lock out whoever could mend it."""

    def act_on(user: User, by: User) -> object:
        if user.pk == by.pk:
            raise ValidationError(
                _("This is your own account. Use the account page, or ask another administrator.")
            )
        return act(user)

    return act_on


def is_being_deleted(user: User) -> bool:
    """True until it is erased."""
    return Erasure.objects.undoable().filter(kind=Erasure.Kind.ACCOUNT, owner_id=user.pk).exists()


def is_connected(user: User) -> bool:
    """True for an account that somebody of the school's provider opens."""
    return SocialAccount.objects.filter(user=user).exists()


DEEDS = {
    "link": Deed(
        _("Make a link"),
        _("A link with which its owner sets a password, once, within 24 hours. It is shown here."),
        MAY,
        None,
        lambda user, by: None,
        applies=is_open,
    ),
    "end": Deed(
        _("Sign out everywhere"),
        _("End all sessions and tokens."),
        MAY,
        None,
        end_all,
    ),
    "reset": Deed(
        _("Take away the second factor"),
        _("For somebody who has lost it. Be sure that it is really she who asks."),
        MAY,
        None,
        of_others(reset_factors),
    ),
    "close": Deed(
        _("Close"),
        _("Let nobody in any more. Batches stay."),
        MAY,
        None,
        of_others(accounts.close),
        applies=is_open,
    ),
    "reopen": Deed(
        _("Reopen"),
        _("Let its owner in again, with the password from before."),
        MAY,
        None,
        lambda user, by: accounts.reopen(user),
        applies=lambda user: not user.is_active and not is_being_deleted(user),
    ),
    "disconnect": Deed(
        _("Disconnect from the school’s account"),
        _("The next of that user name or address who comes by the school’s sign-in is connected anew."),
        MAY,
        None,
        lambda user, by: disconnect(user),
        applies=is_connected,
    ),
    "delete": Deed(
        _("Delete"),
        with_limits(
            _(
                "Close it, and erase it in {time} with its batches, files and texts. Hand over first "
                "what is to stay."
            ),
            time="BIN_SECONDS",
        ),
        MAY,
        None,
        of_others(closing.delete_account),
        applies=lambda user: not is_being_deleted(user),
    ),
    "keep": Deed(
        _("Keep after all"),
        _("Take the deletion back and open the account again. Its owner needs new tokens."),
        MAY,
        None,
        lambda user, by: closing.keep_account(user),
        applies=is_being_deleted,
    ),
}
