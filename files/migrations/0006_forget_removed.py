from django.db import migrations

# What was removed before can be brought back for ten more minutes, then it is forgotten like all that is.
FORGET = """
INSERT INTO huleedu_erasure (id, kind, owner_id, batch_id, file_upload_id, asked_at, due_at)
SELECT gen_random_uuid(), 'file', batch.owner_id, batch.id, file.id, now(), now() + interval '10 min'
FROM files_fileupload file JOIN batches_batch batch ON batch.id = file.batch_id
WHERE file.status = 'removed';
INSERT INTO huleedu_timer (kind, batch_id, due_at)
SELECT 'erase', id, due_at FROM huleedu_erasure WHERE ended_at IS NULL ON CONFLICT DO NOTHING;
"""
# A client's key may hold a name: its SHA-256 does as well, as in huleedu 0016.
DIGEST = r"""
UPDATE files_fileupload SET upload_key =
  encode(sha256(convert_to(substring(upload_key FROM '^(.*):[0-9]+:[0-9a-f]{24}$'), 'UTF8')), 'hex')
  || substring(upload_key FROM '(:[0-9]+:[0-9a-f]{24})$')
WHERE upload_key ~ '^.+:[0-9]+:[0-9a-f]{24}$'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('files', '0005_counted_content'),
        ('huleedu', '0016_erasures'),
        ('batches', '0003_bin_and_end'),
    ]

    operations = [
        migrations.RunSQL(FORGET, migrations.RunSQL.noop),
        migrations.RunSQL(DIGEST, migrations.RunSQL.noop),
    ]
