from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):

    dependencies = [
        ('huleedu', '0022_outbox_reacted'),
    ]

    operations = [
        migrations.RunSQL(
            'DELETE FROM huleedu_idempotencyrecord WHERE status_code IS NULL', migrations.RunSQL.noop
        ),
        migrations.AlterField(
            model_name='idempotencyrecord',
            name='status_code',
            field=models.PositiveSmallIntegerField(),
        ),
        # With a default, so that the column can come back.
        migrations.AlterField(
            model_name='idempotencyrecord',
            name='locked_until',
            field=models.DateTimeField(db_default=Now()),
        ),
        migrations.RemoveField(
            model_name='idempotencyrecord',
            name='locked_until',
        ),
    ]
