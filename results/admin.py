"""Results for support staff: counts and times, no text."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from huleedu.support.base import ReadOnlyAdmin
from results.models import BatchResult, EssayResult, Export


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


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin[Export]):
    """What was asked to be handed back, and how it ended."""

    list_display = ("id", "batch_id", "kind", "status", "error_code", "done", "total", "created_at")
    list_filter = ("status", "kind")
    ordering = ("-created_at",)
    uuid_search = ("id", "batch_id", "storage_id", "correlation_id")
    fields = (
        *("id", "batch_id", "kind", "language", "options", "status", "attempt", "error_code", "notes"),
        *("done", "total", "storage_id", "size", "correlation_id"),
        *("created_at", "started_at", "ended_at", "ends_at"),
    )

    @admin.display(description=_("left out"))
    def notes(self, export: Export) -> str:
        """What could not be done, without signs of a text."""
        return ", ".join(f"{each['essay']}: {each['code']}" for each in export.left_out)
