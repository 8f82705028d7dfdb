"""Links to set a password: their address, and mailing them."""

from threading import Thread

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import connection, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from huleedu.accounts import doors
from huleedu.accounts.life import make_link

log = structlog.get_logger(__name__)


def address_of_link(secret: str, request: HttpRequest | None = None) -> str:
    """The whole address of a link, as the request was asked or as the installation is configured."""
    path = reverse("password-link", args=[secret])
    return request.build_absolute_uri(path) if request else f"{own_address()}{path}"


def address_of_mailed_link(secret: str, request: HttpRequest) -> str:
    """The address for a mail that ``request`` asks for: whoever asks chooses no host or port for others.

    Where nothing is configured it is as the request was asked.
    """
    told = [host for host in settings.TOLD_HOSTS if host not in settings.LOOPBACK_HOSTS]
    known = bool(settings.CSRF_TRUSTED_ORIGINS) or (bool(told) and not told[0].startswith((".", "*")))
    return address_of_link(secret, None if known else request)


def own_address() -> str:
    """Where people find this installation, as far as the settings tell."""
    if settings.CSRF_TRUSTED_ORIGINS:
        return str(settings.CSRF_TRUSTED_ORIGINS[0])
    named = [host for host in settings.ALLOWED_HOSTS if host not in settings.LOOPBACK_HOSTS]
    scheme = "https" if settings.HTTPS else "http"
    if named:
        port = "" if settings.BEHIND_PROXY or settings.HTTPS else f":{settings.PORT}"
        return f"{scheme}://{named[0].lstrip('.')}{port}"
    return f"http://{settings.HOST}:{settings.PORT}"


def mail_link(user: User, address: str) -> None:
    """Mail the address of a link to its user, in the active language. Raises OSError."""
    send_mail(
        _("Your password for HuleEdu"),
        _(
            "With this link you set a password for HuleEdu, once, within 24 hours:\n\n%(address)s\n\n"
            "Your user name is %(name)s. If you have not asked for it, do nothing: your password stays as "
            "it is."
        )
        % {"address": address, "name": user.get_username()},
        None,
        [user.email],
    )
    log.info("link.mailed", user_id=user.pk)


def ask_for_link(request: HttpRequest, username: str) -> Thread | None:
    """Mail a link to whoever has this user name and an address; None when nobody has. Raises ``MustWait``.

    Asking is counted as a wrong password is, apart from those, and written down for known and unknown names.
    The mail is sent behind the answer, whose time tells nothing then.
    """
    with doors.attempt(request, username, doors.LINK):
        pass  # never right: somebody who asks again and again waits longer each time
    with transaction.atomic():  # an address that is changed meanwhile must not be mailed to
        users = User.objects.select_for_update(no_key=True).filter(username=username, is_active=True)
        user = users.exclude(email="").first()
        if user is None:
            return None
        secret, _ends = make_link(user, asked_by_anybody=True)
    sender = Thread(target=send_behind, args=(user, address_of_mailed_link(secret, request)), daemon=True)
    sender.start()
    return sender


def send_behind(user: User, address: str) -> None:
    """Mail and give the connection back; what fails is logged."""
    try:
        mail_link(user, address)
    except OSError as error:
        log.warning("link.not_mailed", user_id=user.pk, error=type(error).__name__)
    finally:
        connection.close()
