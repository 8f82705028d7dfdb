from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('huleedu', '0009_workitem_slow'),
    ]

    operations = [
        migrations.CreateModel(
            name='Usage',
            fields=[
                ('owner', models.OneToOneField(on_delete=models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('bytes', models.BigIntegerField(db_default=0, default=0)),
                ('day', models.DateField(help_text='Of the two counts, in UTC')),
                ('files', models.PositiveIntegerField(db_default=0, default=0)),
                ('batches', models.PositiveIntegerField(db_default=0, default=0)),
            ],
        ),
    ]
