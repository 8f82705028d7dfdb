"""The app's declaration."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    """The files app."""

    name = "files"
