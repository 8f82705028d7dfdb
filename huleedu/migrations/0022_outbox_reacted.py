from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('huleedu', '0021_words_of_numbers'),
    ]

    operations = [
        migrations.AddField(
            model_name='outboxmessage',
            name='reacted',
            field=models.BooleanField(db_default=False, default=False, help_text='What follows happened in the transaction of the fact'),
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(condition=models.Q(('reacted', False)), fields=['batch_id'], name='outbox_unreacted'),
        ),
    ]
