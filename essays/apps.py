"""The app's declaration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EssaysConfig(AppConfig):
    """The essays app."""

    name = "essays"
    verbose_name = _("Essays")
