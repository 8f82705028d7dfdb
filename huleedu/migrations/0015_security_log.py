import django.db.models.functions.datetime
from django.db import migrations, models

# Whoever asks, also the role that the application has: rows are added, and end when they are a year old, not before.
APPEND_ONLY = """
CREATE FUNCTION huleedu_security_log_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.at < now() - interval '365 days' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'The security log is only added to' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER security_log_stands BEFORE UPDATE ON huleedu_securityevent
FOR EACH STATEMENT EXECUTE FUNCTION huleedu_security_log_stands();
CREATE TRIGGER security_log_ages BEFORE DELETE ON huleedu_securityevent
FOR EACH ROW EXECUTE FUNCTION huleedu_security_log_stands();
CREATE TRIGGER security_log_is_not_emptied BEFORE TRUNCATE ON huleedu_securityevent
FOR EACH STATEMENT EXECUTE FUNCTION huleedu_security_log_stands();
"""
NO_MORE = """
DROP TRIGGER security_log_is_not_emptied ON huleedu_securityevent;
DROP TRIGGER security_log_ages ON huleedu_securityevent;
DROP TRIGGER security_log_stands ON huleedu_securityevent;
DROP FUNCTION huleedu_security_log_stands();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('huleedu', '0013_backup'),
    ]

    operations = [
        migrations.CreateModel(
            name='SecurityEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='at')),
                ('kind', models.CharField(max_length=40, verbose_name='what')),
                ('actor_id', models.BigIntegerField(help_text='Who did it, if anybody was signed in', null=True, verbose_name='who')),
                ('account_id', models.BigIntegerField(help_text='Whose account it is about', null=True, verbose_name='whose account')),
                ('network', models.CharField(db_default='', default='', max_length=50, verbose_name='from')),
                ('route', models.CharField(db_default='', default='', max_length=200, verbose_name='route')),
                ('subject', models.CharField(db_default='', default='', max_length=60, verbose_name='about')),
                ('subject_id', models.CharField(db_default='', default='', max_length=64, verbose_name='id')),
                ('reason', models.CharField(db_default='', default='', max_length=200, verbose_name='reason')),
                ('details', models.JSONField(default=dict, verbose_name='details')),
                ('correlation_id', models.UUIDField(null=True, verbose_name='correlation')),
            ],
            options={
                'verbose_name': 'security event',
                'verbose_name_plural': 'security log',
                'default_permissions': ('view',),
                'indexes': [
                    models.Index(fields=['at', 'id'], name='security_at'),
                    models.Index(fields=['kind', 'at', 'id'], name='security_kind'),
                    models.Index(condition=models.Q(('actor_id__isnull', False)), fields=['actor_id', 'at'], name='security_actor'),
                    models.Index(condition=models.Q(('account_id__isnull', False)), fields=['account_id', 'at'], name='security_account'),
                    models.Index(fields=['network', 'at'], name='security_network'),
                    models.Index(fields=['subject_id', 'at'], name='security_subject'),
                    models.Index(condition=models.Q(('correlation_id__isnull', False)), fields=['correlation_id'], name='security_correlation'),
                ],
            },
        ),
        migrations.CreateModel(
            name='SecurityPace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('account_id', models.BigIntegerField(help_text='0: no account; -1: all together')),
                ('minute', models.DateTimeField()),
                ('free', models.PositiveIntegerField(help_text='So many are written one by one')),
                ('seen', models.PositiveIntegerField()),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('minute', 'kind', 'account_id'), name='security_pace_once')],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, NO_MORE),
    ]
