"""The app's declaration."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """The realtime app."""

    name = "realtime"
