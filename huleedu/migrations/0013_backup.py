from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):

    dependencies = [
        ("huleedu", "0012_workitem_deaths"),
    ]

    operations = [
        migrations.CreateModel(
            name="Backup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("moment", models.DateTimeField(db_index=True, help_text="As of which the backup is")),
                ("finished_at", models.DateTimeField(db_default=Now())),
                ("seconds", models.FloatField()),
                ("size", models.PositiveBigIntegerField(help_text="Of the file, in bytes")),
                ("contents", models.PositiveIntegerField()),
                ("damaged", models.PositiveIntegerField(help_text="Contents that were missing or changed before")),
                ("encrypted", models.BooleanField()),
                ("verified", models.BooleanField(help_text="Restored into a throwaway database and compared")),
            ],
        ),
    ]
