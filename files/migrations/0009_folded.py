from typing import Any

from django.db import migrations, models

from huleedu.folding import folded_from

PIECE = 500


def fold_names(apps: Any, _editor: object) -> None:
    """Files from before are found, too."""
    files = apps.get_model("files", "FileUpload").objects
    rows = []
    for upload in files.only("filename", "folder").iterator(PIECE):
        upload.folded = folded_from((upload.filename, upload.folder))
        rows.append(upload)
        if len(rows) == PIECE:
            files.bulk_update(rows, ["folded"])
            rows = []
    files.bulk_update(rows, ["folded"])


class Migration(migrations.Migration):

    dependencies = [
        ('files', '0008_words_of_kinds'),
    ]

    operations = [
        migrations.AddField(
            model_name='fileupload',
            name='folded',
            field=models.TextField(blank=True, db_default='', default='', editable=False),
        ),
        migrations.RunPython(fold_names, migrations.RunPython.noop),
    ]
