"""Between the password and the code: who waits there goes no further once the password is another one."""

from typing import Any

from allauth.account.internal.stagekit import clear_login, unstash_login
from allauth.mfa.base.views import authenticate
from allauth.mfa.stages import AuthenticateStage
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

OPENED_BY = "opened_by"  # in the stage's state: a digest that changes with the password


class CodeStage(AuthenticateStage):
    """As the library's; what waits has a key of its own, and knows which password opened it."""

    def handle(self) -> tuple[Any, bool]:
        """Where to give the code, if one is needed, and True."""
        answer, goes_on = super().handle()
        if answer is not None:
            self.state[OPENED_BY] = opening(self.login.user)
            self.request.session.cycle_key()  # whoever gave this browser its key must not wait along
        return answer, bool(goes_on)


def ask_for_code(request: HttpRequest) -> HttpResponse:
    """The page for the code; back to signing in when the password was changed, or the account closed."""
    login = unstash_login(request, peek=True)
    if login is not None and not still_opened(login.user, login.state["stages"]):
        clear_login(request)
    answer: HttpResponse = authenticate(request)
    return answer


def opening(user: AbstractBaseUser | None) -> str:
    """A digest that is another one once the password is; "" for a closed account."""
    return user.get_session_auth_hash() if user is not None and user.is_active else ""


def still_opened(user: AbstractBaseUser | None, stages: dict[str, Any]) -> bool:
    """Whether what somebody waits with opens the account now."""
    kept = str(stages.get(CodeStage.key, {}).get("data", {}).get(OPENED_BY, ""))
    return kept != "" and constant_time_compare(kept, opening(user))
