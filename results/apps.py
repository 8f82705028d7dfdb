"""The app's declaration."""

from django.apps import AppConfig


class ResultsConfig(AppConfig):
    """The results app."""

    name = "results"
