"""``manage.py qcluster``: a cluster of django-q2 as HuleEdu runs it, in place of django-q2's own command."""

import os

from django.core.management.base import BaseCommand

from huleedu.fit.fitting import fit_cluster
from huleedu.relay import cluster


class Command(BaseCommand):
    """Runs the cluster named by ``Q_CLUSTER_NAME`` until it is told to stop.

    Refuses what would look alive and do nothing: another queue, or a process that does not fit.
    """

    help = (
        "Run the workers named by Q_CLUSTER_NAME (relay, standby or steps), until SIGTERM or SIGINT. "
        "The command run starts them by itself; only a larger installation starts them one by one."
    )

    def handle(self, **_options: object) -> None:
        fit_cluster(os.environ.get("Q_CLUSTER_NAME"))
        # Python would take dictionaries apart word by word.
        os._exit(cluster.run())
