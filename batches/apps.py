"""The app's declaration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BatchesConfig(AppConfig):
    """The batches app."""

    name = "batches"
    verbose_name = _("Batches")
