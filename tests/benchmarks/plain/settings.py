"""Settings of the plain project: daphne, django-q2 on its database broker, two workers."""

import os
from pathlib import Path

import dj_database_url

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django_q", "tests.benchmarks.plain"]
ROOT_URLCONF = "tests.benchmarks.plain.views"
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
if os.environ.get("HULEEDU_PROCESS") == "web":  # requests come in threads that end
    DATABASES["default"]["OPTIONS"] = {"pool": True}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = Path(os.environ["HULEEDU_VAR"]) / "content"
USE_TZ = True
Q_CLUSTER = {"orm": "default", "workers": 2, "timeout": 60, "retry": 90}
