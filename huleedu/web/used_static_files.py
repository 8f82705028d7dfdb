"""Which static files of other apps are served."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class UsedStaticFiles(StaticFilesConfig):
    """Django's app without files that no page of ours asks for: the API has no pages, htmx is version 2,
    and the script for passkeys is our own."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "rest_framework", "mfa", "htmax-*", "htmx-4*"]
