"""``manage.py qcluster``: a cluster of django-q2 as HuleEdu runs it, in place of django-q2's own command."""

import os

from django.core.management.base import BaseCommand

from huleedu import cluster


class Command(BaseCommand):
    """Runs the cluster named by ``Q_CLUSTER_NAME`` until it is told to stop."""

    help = "Run the cluster named by Q_CLUSTER_NAME, until SIGTERM or SIGINT."

    def handle(self, **_options: object) -> None:
        # Python would take dictionaries apart word by word.
        os._exit(cluster.run())
