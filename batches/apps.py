"""The app's declaration."""

from django.apps import AppConfig


class BatchesConfig(AppConfig):
    """The batches app."""

    name = "batches"
