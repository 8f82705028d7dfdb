"""Rows of the plain project."""

from typing import ClassVar

from django.db import models


class Batch(models.Model):
    """So many essays are expected."""

    objects: ClassVar["models.Manager[Batch]"] = models.Manager()
    expected = models.PositiveIntegerField()

    def __str__(self) -> str:
        """For people who debug."""
        return f"batch {self.pk}"


class Upload(models.Model):
    """One file, its text and what was found in it."""

    objects: ClassVar["models.Manager[Upload]"] = models.Manager()
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE)
    name = models.CharField(max_length=255)
    path = models.CharField(max_length=255)
    done = models.BooleanField(default=False)
    text = models.TextField(default="")
    words = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list)

    def __str__(self) -> str:
        """For people who debug."""
        return f"upload {self.pk}"
