from typing import Any

from django.db import migrations, models

from huleedu.folding import folded_from

PIECE = 500


def fold_names(apps: Any, _editor: object) -> None:
    """Batches from before are found, too."""
    batches = apps.get_model("batches", "Batch").objects
    rows = []
    for batch in batches.only("title", "class_name").iterator(PIECE):
        batch.folded = folded_from((batch.title, batch.class_name))
        rows.append(batch)
        if len(rows) == PIECE:
            batches.bulk_update(rows, ["folded"])
            rows = []
    batches.bulk_update(rows, ["folded"])


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0006_archive'),
    ]

    operations = [
        migrations.AddField(
            model_name='batch',
            name='folded',
            field=models.TextField(blank=True, db_default='', default='', editable=False),
        ),
        migrations.RunPython(fold_names, migrations.RunPython.noop),
    ]
