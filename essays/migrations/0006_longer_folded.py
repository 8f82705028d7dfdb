from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('essays', '0005_accepted_words'),
    ]

    operations = [
        migrations.AlterField(
            model_name='acceptedword',
            name='folded',
            field=models.CharField(help_text='As it is compared', max_length=600),
        ),
    ]
