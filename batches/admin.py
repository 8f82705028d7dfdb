"""Batches and essay slots for support staff."""

from django.contrib import admin

from batches.models import Batch, EssaySlot
from huleedu.support.base import OwnedAdmin, ReadOnlyAdmin


@admin.register(Batch)
class BatchAdmin(OwnedAdmin[Batch]):
    """Batches without what their teachers call them: that shows on the desk, to who has given a reason."""

    list_display = ("id", "owner", "status", "expected_essay_count", "created_at", "completed_at")
    list_filter = ("status", "language")
    list_select_related = ("owner",)
    ordering = ("-created_at",)
    uuid_search = ("id", "correlation_id")
    fields = (
        "id",
        "shown_owner",
        "correlation_id",
        "language",
        "language_chosen",
        "status",
        "expected_essay_count",
        "configuration",
        "deadline",
        "timed_out_at",
        "run",
        "version",
        "created_at",
        "started_at",
        "completed_at",
        "archived_at",
    )


@admin.register(EssaySlot)
class EssaySlotAdmin(ReadOnlyAdmin[EssaySlot]):
    """Essay slots."""

    list_display = ("id", "batch_id", "number", "status", "revision")
    list_filter = ("status",)
    ordering = ("batch", "number")
    uuid_search = ("id", "batch_id", "text_storage_id")
    fields = ("id", "batch_id", "number", "status", "text_storage_id", "revision")
