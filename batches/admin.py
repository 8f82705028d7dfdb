"""Batches and essay slots for support staff."""

from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from batches.models import Batch, EssaySlot
from huleedu.support.base import OwnedAdmin, ReadOnlyAdmin
from huleedu.support.ids import SHOWN
from huleedu.support.reasons import BatchReasonForm, reason_given


@admin.register(Batch)
class BatchAdmin(OwnedAdmin[Batch]):
    """Batches; title and class, which may name somebody, show to who has given a reason, the task never."""

    list_display = ("id", "owner", "status", "expected_essay_count", "created_at", "completed_at")
    list_filter = ("status", "language")
    list_select_related = ("owner",)
    ordering = ("-created_at",)
    uuid_search = ("id", "correlation_id")
    change_form_template = "admin/batches/batch/change_form.html"
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

    def get_urls(self) -> list[URLPattern]:
        """The page of names in front of the admin's own addresses."""
        view = self.admin_site.admin_view(self.names_view)
        return [path("<uuid:batch_id>/names/", view, name="batches_batch_names"), *super().get_urls()]

    def names_view(self, request: HttpRequest, batch_id: UUID) -> HttpResponse:
        """Ask for a reason; posted with one, which is kept, say title and class in this one answer."""
        batch = get_object_or_404(Batch, pk=batch_id)
        if not self.has_view_permission(request, batch):
            raise PermissionDenied
        asked, named = reason_given(request, BatchReasonForm, batch)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Batch %(id)s") % {"id": str(batch.pk)[:SHOWN]},
            "original": batch,
            "reason": asked,
            "named": named,
        }
        return TemplateResponse(request, "admin/batches/batch/names.html", context)


@admin.register(EssaySlot)
class EssaySlotAdmin(ReadOnlyAdmin[EssaySlot]):
    """Essay slots."""

    list_display = ("id", "batch_id", "number", "status", "revision")
    list_filter = ("status",)
    ordering = ("batch", "number")
    uuid_search = ("id", "batch_id", "text_storage_id")
    fields = ("id", "batch_id", "number", "status", "text_storage_id", "revision")
