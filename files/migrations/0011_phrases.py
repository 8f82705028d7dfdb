from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('files', '0010_exports'),
    ]

    operations = [
        migrations.AddField(
            model_name='storedcontent',
            name='phrases',
            field=models.BinaryField(db_default=b'', default=b'', help_text='Of a text: a sample of its phrases, to know ones like it'),
        ),
    ]
