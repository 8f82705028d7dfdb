from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0005_whole_batch_phases'),
    ]

    operations = [
        migrations.AddField(
            model_name='batch',
            name='archived_at',
            field=models.DateTimeField(blank=True, help_text='Since when it is archived', null=True),
        ),
    ]
