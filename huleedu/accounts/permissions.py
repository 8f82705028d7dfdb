"""What support may do: look at everything in the admin, and set failed things going again.

Administrators may do the same, look after accounts and read the security log.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from huleedu.accounts.life import ADMINISTRATOR_GROUP, SUPPORT_GROUP

VIEWED = (
    "batches.Batch",
    "batches.EssaySlot",
    "essays.StepRun",
    "files.FileUpload",
    "files.StoredContent",
    "huleedu.ApiToken",
    "huleedu.DeadLetter",
    "huleedu.LoggedEvent",
    "huleedu.OutboxMessage",
    "huleedu.RelayPresence",
    "huleedu.Timer",
    "huleedu.WorkItem",
    "results.BatchResult",
    "results.EssayResult",
    "results.Export",
)
DONE = (
    ("files.FileUpload", "reprocess_fileupload", "Can reprocess file upload"),
    ("huleedu.DeadLetter", "handle_deadletter", "Can replay and discard dead letter"),
    ("huleedu.ApiToken", "revoke_apitoken", "Can revoke api token"),
)
ADMINISTERED = (
    ("auth.User", "view_user", "Can view user"),
    ("auth.User", "add_user", "Can add user"),
    ("auth.User", "change_user", "Can change user"),
    ("huleedu.SecurityEvent", "view_securityevent", "Can view security event"),
)


@transaction.atomic
def grant_support(using: str = "default", **_: Any) -> None:
    """Give both groups exactly their permissions; runs after every migrate and may run at any time."""
    wanted = [make_permission(*entry, using) for entry in (*view_permissions(), *DONE)]
    more = [make_permission(*entry, using) for entry in ADMINISTERED]
    for name, permissions in ((SUPPORT_GROUP, wanted), (ADMINISTRATOR_GROUP, [*wanted, *more])):
        group, _created = Group.objects.using(using).get_or_create(name=name)
        group.permissions.set(permissions)


def view_permissions() -> list[tuple[str, str, str]]:
    """(model, codename, name) of the view permissions, named as Django names them."""
    entries = []
    for label in VIEWED:
        options = apps.get_model(label)._meta
        entries.append((label, f"view_{options.model_name}", f"Can view {options.verbose_name_raw}"))
    return entries


def make_permission(label: str, codename: str, name: str, using: str) -> Permission:
    """The permission, made if Django has not made it yet."""
    content_type = ContentType.objects.db_manager(using).get_for_model(apps.get_model(label))
    permission, _created = Permission.objects.using(using).get_or_create(
        content_type=content_type, codename=codename, defaults={"name": name}
    )
    return permission
