"""The project package as an app: models of the ground floor, and the relay's thread in its worker."""

import gc
import os

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from huleedu.machine import temporary


class HuleeduConfig(AppConfig):
    """Starts the relay in workers of the relay cluster."""

    name = "huleedu"
    verbose_name = "HuleEdu"
    default = True

    def ready(self) -> None:
        from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
        from django.contrib.auth.signals import user_logged_in, user_logged_out
        from django.db.models.signals import post_migrate, post_save, pre_migrate
        from django_q.signals import post_spawn

        from huleedu import (
            steps,  # noqa: F401 - registers who does queued work
            subscriptions,  # noqa: F401 - fills the table of reactions
        )
        from huleedu.accounts.devices import remember_device
        from huleedu.accounts.factors import end_others, use_first_code
        from huleedu.accounts.permissions import grant_support
        from huleedu.accounts.sessions import note_sign_in
        from huleedu.postgres.standstill import refuse
        from huleedu.relay import processes
        from huleedu.security.security_log import record_account, record_sign_in, record_sign_out
        from huleedu.support import field_names
        from huleedu.work import seats  # noqa: F401 - the seats are shared by fork
        from huleedu.work.queues import accept_former_keys, make_queues_last

        for model in apps.get_models():
            field_names.translate(model)
        pre_migrate.connect(refuse, dispatch_uid="standstill")
        # After the last app with models, so that every table and content type is there.
        last = [app for app in apps.get_app_configs() if app.models_module][-1]
        post_migrate.connect(grant_support, sender=last, dispatch_uid="support")

        user_logged_in.connect(remember_device, dispatch_uid="device")
        user_logged_in.connect(note_sign_in, dispatch_uid="sign in")
        authenticator_added.connect(use_first_code, dispatch_uid="first code")
        for changed in (authenticator_added, authenticator_removed, authenticator_reset):
            changed.connect(end_others, dispatch_uid="factors")
        user_logged_in.connect(record_sign_in, dispatch_uid="security_log")
        user_logged_out.connect(record_sign_out, dispatch_uid="security_log")
        post_save.connect(record_account, sender="auth.User", dispatch_uid="security_log")
        gc.freeze()  # what is loaded stays, and workers that are forked share it
        gc.enable()
        self.use_own_temporary_folder()
        make_queues_last()
        accept_former_keys()
        if settings.PROCESS == "relay":
            post_spawn.connect(processes.start_relay, dispatch_uid="relay")

    def use_own_temporary_folder(self) -> None:
        """Keep temporary files in the state folder, where there is one. Raises ImproperlyConfigured."""
        serving = settings.PROCESS in settings.SERVING
        if not serving and not os.path.isdir(settings.VAR_DIR / "secrets"):  # noqa: PTH112 - may be forbidden
            return
        try:
            temporary.use(settings.VAR_DIR)
            temporary.clear(settings.VAR_DIR)
        except OSError as error:
            if serving:
                raise ImproperlyConfigured(
                    f"The folder for temporary files cannot be used: {error}. It lies in HULEEDU_VAR."
                ) from error
