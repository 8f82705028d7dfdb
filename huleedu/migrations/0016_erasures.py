import django.db.models.functions.datetime
import uuid
from django.db import migrations, models


# A client's key may hold a name: its SHA-256 does as well.
DIGEST = "UPDATE huleedu_idempotencyrecord SET key = encode(sha256(convert_to(key, 'UTF8')), 'hex')"


class Migration(migrations.Migration):

    dependencies = [
        ('huleedu', '0015_security_log'),
    ]

    operations = [
        migrations.AddField(
            model_name='feed',
            name='closed',
            field=models.BooleanField(db_default=False, default=False, help_text='The batch lies in the bin'),
        ),
        migrations.AlterField(
            model_name='idempotencyrecord',
            name='key',
            field=models.CharField(help_text="SHA-256 of the client's key, which may tell of anybody", max_length=255),
        ),
        migrations.RunSQL(DIGEST, migrations.RunSQL.noop),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('file', 'a removed file'), ('version', 'what a file was before it was replaced'), ('batch', 'a batch'), ('account', 'an account')], max_length=7)),
                ('owner_id', models.BigIntegerField(db_index=True)),
                ('batch_id', models.UUIDField(blank=True, db_index=True, null=True)),
                ('file_upload_id', models.UUIDField(blank=True, db_index=True, null=True)),
                ('revision', models.PositiveIntegerField(blank=True, help_text='Of the version that was replaced', null=True)),
                ('essay_id', models.UUIDField(blank=True, help_text='The place that a removed file held', null=True)),
                ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('due_at', models.DateTimeField(help_text='Until then it can be taken back')),
                ('begun_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['due_at'], name='erasure_open')],
            },
        ),
    ]
