"""Messages for the next page: in a cookie as strict as the session's, else in the session itself."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class MessageCookie(CookieStorage):
    """As Django's, under a name of ours: copies on other ports of this host have cookies of their own."""

    cookie_name = settings.MESSAGE_COOKIE_NAME


class MessageStorage(FallbackStorage):
    """The cookie first."""

    storage_classes = (MessageCookie, SessionStorage)
