from datetime import datetime

from django.db import models

class OrmQ(models.Model):
    id: models.BigAutoField[int, int]
    key: models.CharField[str, str]
    payload: models.TextField[str, str]
    lock: models.DateTimeField[datetime, datetime]

class Task(models.Model): ...
class Success(Task): ...
class Failure(Task): ...
class Schedule(models.Model): ...
