"""How old the last backup is."""

from django.db.models import Max
from django.utils import timezone

from huleedu.models import Backup

OLD_SECONDS = 172_800.0  # two nights without one


def backup_age() -> float:
    """Seconds since the moment that the newest backup holds; infinite when there is none."""
    newest = Backup.objects.aggregate(newest=Max("moment"))["newest"]
    return float("inf") if newest is None else max(0.0, (timezone.now() - newest).total_seconds())
