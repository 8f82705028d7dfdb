"""The app's declaration."""

from django.apps import AppConfig


class EssaysConfig(AppConfig):
    """The essays app."""

    name = "essays"
