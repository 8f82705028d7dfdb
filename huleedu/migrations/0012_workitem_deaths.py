from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("huleedu", "0011_sign_in_tally"),
    ]

    operations = [
        migrations.AddField(
            model_name="workitem",
            name="worker",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Who has it, or left it without a word",
                max_length=80,
            ),
        ),
        migrations.AddField(
            model_name="workitem",
            name="former_worker",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Who left it before the present one",
                max_length=80,
            ),
        ),
        migrations.AddField(
            model_name="workitem",
            name="deaths",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, help_text="Workers that died on it while all else went on"
            ),
        ),
    ]
