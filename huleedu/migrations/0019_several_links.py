"""An account may have several links to set its password; those that wait stay."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

FORWARD = """
ALTER TABLE huleedu_passwordlink DROP CONSTRAINT huleedu_passwordlink_pkey,
    DROP CONSTRAINT huleedu_passwordlink_digest_key, ADD PRIMARY KEY (digest);
CREATE INDEX huleedu_passwordlink_user_id ON huleedu_passwordlink (user_id);
"""
BACKWARD = """
DELETE FROM huleedu_passwordlink one USING huleedu_passwordlink other
    WHERE one.user_id = other.user_id AND (one.made_at, one.digest) < (other.made_at, other.digest);
DROP INDEX huleedu_passwordlink_user_id;
ALTER TABLE huleedu_passwordlink DROP CONSTRAINT huleedu_passwordlink_pkey,
    ADD CONSTRAINT huleedu_passwordlink_digest_key UNIQUE (digest), ADD PRIMARY KEY (user_id);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("huleedu", "0018_words_of_choices"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(
            FORWARD,
            BACKWARD,
            state_operations=[
                migrations.DeleteModel("PasswordLink"),
                migrations.CreateModel(
                    "PasswordLink",
                    [
                        (
                            "digest",
                            models.CharField(max_length=64, primary_key=True, serialize=False),
                        ),
                        ("made_at", models.DateTimeField(db_default=Now())),
                        ("expires_at", models.DateTimeField(db_index=True)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
            ],
        )
    ]
