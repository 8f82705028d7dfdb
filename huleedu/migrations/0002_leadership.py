"""The name that relays lock to agree on which of them works.

A view, because a table that is locked for weeks could not be vacuumed.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("huleedu", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE VIEW huleedu_leadership AS SELECT 'relay' AS role",
            "DROP VIEW huleedu_leadership",
        )
    ]
