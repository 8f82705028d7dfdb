from django.db import migrations, models

# Counts in the transaction of every change, whoever makes it: a row that was there already is not inserted,
# one that is rolled back is not counted, and what is deleted by any way is taken off.
COUNT = """
CREATE FUNCTION files_count_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    UPDATE huleedu_usage SET bytes = bytes - OLD.size WHERE owner_id = OLD.owner_id;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO huleedu_usage AS mine (owner_id, bytes, day, files, batches)
    VALUES (NEW.owner_id, NEW.size, (now() AT TIME ZONE 'UTC')::date, 0, 0)
    ON CONFLICT (owner_id) DO UPDATE SET bytes = mine.bytes + excluded.bytes;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER files_count_content AFTER INSERT OR DELETE OR UPDATE OF owner_id, size
ON files_storedcontent FOR EACH ROW EXECUTE FUNCTION files_count_content();
INSERT INTO huleedu_usage AS mine (owner_id, bytes, day, files, batches)
SELECT owner_id, sum(size), (now() AT TIME ZONE 'UTC')::date, 0, 0 FROM files_storedcontent GROUP BY owner_id
ON CONFLICT (owner_id) DO UPDATE SET bytes = excluded.bytes;
"""
NO_MORE = """
DROP TRIGGER files_count_content ON files_storedcontent;
DROP FUNCTION files_count_content();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('files', '0004_language'),
        ('huleedu', '0010_usage'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='storedcontent',
            index=models.Index(condition=models.Q(('batch__isnull', True)), fields=['created_at'], name='content_without_batch'),
        ),
        migrations.RunSQL(COUNT, NO_MORE),
    ]
