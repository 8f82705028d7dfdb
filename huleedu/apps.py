"""The project package as an app: models of the ground floor, and the relay's thread in its worker."""

from django.apps import AppConfig
from django.conf import settings


class HuleeduConfig(AppConfig):
    """Starts the relay in workers of the relay cluster, and warms dictionaries in those that run steps."""

    name = "huleedu"

    def ready(self) -> None:
        from django_q.signals import post_spawn

        from huleedu import processes

        if settings.PROCESS == "relay":
            post_spawn.connect(processes.start_relay, dispatch_uid="relay")
        elif settings.PROCESS == "steps":
            processes.warm_steps()
