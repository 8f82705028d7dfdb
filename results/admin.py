"""Results for support staff: counts and times, no text."""

from django.contrib import admin

from huleedu.support.base import ReadOnlyAdmin
from results.models import BatchResult, EssayResult


@admin.register(EssayResult)
class EssayResultAdmin(ReadOnlyAdmin[EssayResult]):
    """One essay's figures."""

    list_display = ("slot_id", "batch_id", "file_id", "revision", "words")
    ordering = ("batch", "slot")
    uuid_search = ("slot_id", "batch_id", "file_id")
    fields = (
        "slot_id",
        "batch_id",
        "file_id",
        "revision",
        "text_storage_id",
        "words",
        "characters",
        "phases",
    )


@admin.register(BatchResult)
class BatchResultAdmin(ReadOnlyAdmin[BatchResult]):
    """How runs of batches ended."""

    list_display = ("batch_id", "run", "status", "essays", "succeeded", "failed", "duration_seconds")
    list_filter = ("status",)
    ordering = ("-id",)
    uuid_search = ("batch_id",)
    fields = (
        *("batch_id", "run", "status", "essays", "succeeded", "failed", "duration_seconds", "phases"),
        "created_at",
    )
