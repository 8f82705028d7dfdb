from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

from batches.keeping import default_end

NOTICE = timedelta(days=60)  # for those that are old already: thirty of them with a warning


def set_ends(apps: Any, _editor: object) -> None:
    """Batches from before end like others, none of them sooner than in sixty days."""
    batches = apps.get_model("batches", "Batch").objects.filter(ends_on=None)
    soonest = timezone.localdate() + NOTICE
    days = {timezone.localdate(created_at) for created_at in batches.values_list("created_at", flat=True)}
    for day in days:
        end = default_end(day, settings.RETENTION_MONTHS)
        if end is not None:
            batches.filter(created_at__date=day).update(ends_on=max(end, soonest))


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0002_language'),
    ]

    operations = [
        migrations.AddField(
            model_name='batch',
            name='binned_at',
            field=models.DateTimeField(blank=True, help_text='Since when it lies in the bin', null=True),
        ),
        migrations.AddField(
            model_name='batch',
            name='ends_on',
            field=models.DateField(blank=True, help_text='The last day on which it is kept; empty: as long as wanted', null=True),
        ),
        migrations.RunPython(set_ends, migrations.RunPython.noop),
    ]
