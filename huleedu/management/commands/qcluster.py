"""``manage.py qcluster``: django-q2's, for a process that fits and knows which queue it serves."""

from typing import Any

from django_q.management.commands import qcluster

from huleedu.fitting import fit_cluster


class Command(qcluster.Command):
    """Refuses what would look alive and do nothing: another queue, or a process that does not fit."""

    def handle(self, *arguments: Any, **options: Any) -> None:
        fit_cluster(options.get("cluster_name"))
        super().handle(*arguments, **options)
