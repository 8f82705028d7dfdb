from collections.abc import Iterator

from django.apps.registry import Apps as StateApps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

PORTION = 5000  # rows that are locked at a time


def take_from_batches(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Every step that has run did so in the language of its batch."""
    slots = apps.get_model("batches", "EssaySlot").objects.filter(pk=models.OuterRef("slot_id"))
    runs = apps.get_model("essays", "StepRun").objects
    last = runs.aggregate(last=models.Max("pk"))["last"] or 0
    for first in portions(last):
        portion = runs.filter(pk__gte=first, pk__lt=first + PORTION, language="")
        portion.update(language=models.Subquery(slots.values("batch__language")[:1]))


def portions(last: int) -> Iterator[int]:
    """The first number of each portion up to ``last``."""
    return iter(range(1, last + 1, PORTION))


class Migration(migrations.Migration):

    atomic = False  # each portion for itself: a table with millions of rows is not held

    dependencies = [
        ('essays', '0002_steprun_language'),
        ('batches', '0002_language'),
    ]

    operations = [migrations.RunPython(take_from_batches, migrations.RunPython.noop)]
