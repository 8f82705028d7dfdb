"""Files and step runs for support staff, and the whole trace of one file on one screen."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from essays.actions.repeating import begin_repeat, check_repeat
from essays.models import StepRun
from files.actions.rereading import begin_reread, check_reread
from files.models import FileUpload
from huleedu.answers.error_words import words_for
from huleedu.events.phase import EssayPhase
from huleedu.events.phases import essay_phases, every_code
from huleedu.failures.words import Words
from huleedu.models import DeadLetter, LoggedEvent, OutboxMessage, WorkItem
from huleedu.security.recorded import note_look
from huleedu.security_kinds import SecurityKind
from huleedu.support.base import ActingAdmin, Deed, ReadOnlyAdmin, without_names
from huleedu.support.ids import SHOWN
from huleedu.support.reasons import ReasonForm, reason_given

REPROCESS = "files.reprocess_fileupload"

NAMES = ("filename", "folder", "client_ref")  # may hold a pupil's name


class ErrorCodeFilter(admin.SimpleListFilter):
    """Filter by error code."""

    title = _("error code")
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Every code there is."""
        return [(code, code) for code in every_code()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with the chosen code."""
        return queryset.filter(error__error_code=self.value()) if self.value() else queryset


@admin.display(description=_("error code"))
def error_code(row: FileUpload | StepRun) -> str:
    """The stable code of the row's problem, or an empty string."""
    return str((row.error or {}).get("error_code", ""))


def repeat_of(phase: EssayPhase) -> Deed:
    """Running the step of ``phase`` on one essay once more."""
    return Deed(
        phase.words.repeat,
        _("Run this step anew on the text as it was read."),
        REPROCESS,
        SecurityKind.CHECK_REPEATED,
        lambda upload, user: begin_repeat(upload, user, phase.name),
        lambda upload: check_repeat(upload, phase.name),
        lambda upload: phase.name in upload.batch.settings.steps,
        told=_("The step runs again. Load this page again in a moment to see how it went."),
    )


class FileList(ChangeList):
    """The list of files, whose rows lead to what is told of a file and not to its fields."""

    def url_for_result(self, result: Model) -> str:
        """The file's trace."""
        return reverse("admin:files_fileupload_trace", args=[result.pk])


@admin.register(FileUpload)
class FileUploadAdmin(ActingAdmin[FileUpload]):
    """Files; their names, which may name pupils, show only on a file's trace, to who has given a reason."""

    list_display = ("id", "batch_id", "status", error_code, "format", "size", "created_at")
    list_filter = ("status", ErrorCodeFilter)
    ordering = ("-created_at",)
    uuid_search = ("id", "correlation_id", "batch_id", "slot_id", "raw_storage_id", "text_storage_id")
    change_form_template = "admin/files/fileupload/change_form.html"
    deeds = {
        "reprocess": Deed(
            _("Reprocess: read the file again"),
            _("Read the stored file anew; its essay keeps its number."),
            REPROCESS,
            SecurityKind.FILE_REPROCESSED,
            begin_reread,
            check_reread,
            told=_("The file is being read again. Load this page again in a moment to see how it went."),
        ),
        **{f"repeat_{phase.name}": repeat_of(phase) for phase in essay_phases()},
    }
    fields = (
        *(
            "id",
            "batch_id",
            "slot_id",
            "correlation_id",
            "size",
            "content_hash",
        ),
        *("raw_storage_id", "text_storage_id", "format", "words", "characters", "engine", "duration_ms"),
        *("language", "chosen_language"),
        *("status", "error", "duplicate_of_id", "revision", "rev", "created_at", "updated_at"),
    )

    def get_urls(self) -> list[URLPattern]:
        """The trace in front of the admin's own addresses."""
        view = self.admin_site.admin_view(self.trace_view)
        return [
            path("<uuid:file_upload_id>/trace/", view, name="files_fileupload_trace"),
            *super().get_urls(),
        ]

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        """The list whose rows lead to traces."""
        return FileList

    def likely(self, request: HttpRequest, upload: FileUpload) -> dict[str, Deed]:
        """The deeds that would not be refused at once: a step needs an essay, what is removed stays."""
        if upload.status == FileUpload.Status.REMOVED:
            return {}
        deeds = {name: deed for name, deed in self.allowed(request).items() if deed.applies(upload)}
        return {name: deed for name, deed in deeds.items() if name == "reprocess" or upload.slot is not None}

    def page_after(self, request: HttpRequest, row: FileUpload) -> str:
        """The trace, when the button stood there."""
        if "trace" in request.POST:
            return reverse("admin:files_fileupload_trace", args=[row.pk])
        return super().page_after(request, row)

    def trace_view(self, request: HttpRequest, file_upload_id: UUID) -> HttpResponse:
        """One file from upload to result: events, steps, waiting work and dead letters.

        Posted with a reason it says the file's name, too, in this one answer; the reason is kept.
        """
        files = FileUpload.objects.select_related("batch__owner", "slot")
        upload = get_object_or_404(files, pk=file_upload_id)
        if not self.has_view_permission(request, upload):
            raise PermissionDenied
        asked, named = reason_given(request, ReasonForm, upload)
        if not named:
            note_look(SecurityKind.TRACE_SEEN, upload)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("File %(id)s") % {"id": str(upload.pk)[:SHOWN]},
            "original": upload,
            "problems": problems_of(upload),
            "deeds": self.likely(request, upload),
            "reason": asked,
            "names": [getattr(upload, name) for name in NAMES if getattr(upload, name)] if named else [],
            **trace_of(upload),
        }
        return TemplateResponse(request, "admin/files/fileupload/trace.html", context)


def problems_of(upload: FileUpload) -> list[tuple[str, Words]]:
    """What the teacher is told of, with its code: the file's problem, and those of its essay's steps."""
    codes = [error_code(upload)]
    if upload.slot is not None:
        steps = StepRun.objects.filter(slot=upload.slot, revision=upload.slot.revision, status="failed")
        codes += [error_code(run) for run in steps.defer("output").order_by("id")]
    return [(code, words_for(code)) for code in dict.fromkeys(codes) if code]


def trace_of(upload: FileUpload) -> dict[str, Any]:
    """Everything that is known of one file in order of time; event data without names."""
    events = LoggedEvent.objects.filter(file_upload_id=upload.pk).order_by("id")
    waiting = OutboxMessage.objects.filter(
        batch_id=upload.batch_id, envelope__data__file_upload_id=str(upload.pk)
    )
    return {
        "events": [(event, without_names(event.envelope["data"])) for event in events],
        "timeline": [
            {"event_type": event.event_type, "occurred_at": event.occurred_at, "data": event.envelope["data"]}
            for event in events
        ],
        "waiting_events": waiting.order_by("id"),
        "step_runs": StepRun.objects.filter(file_upload_id=upload.pk).defer("output").order_by("id"),
        "work_items": WorkItem.objects.filter(batch_id=upload.batch_id, file_upload_id=upload.pk).order_by(
            "id"
        ),
        "dead_letters": DeadLetter.objects.filter(file_upload_id=upload.pk).order_by("id"),
    }


@admin.register(StepRun)
class StepRunAdmin(ReadOnlyAdmin[StepRun]):
    """Step runs without what they found, which quotes the essay."""

    list_display = ("id", "slot_id", "phase", "revision", "status", error_code, "started_at", "ended_at")
    list_filter = ("status", "phase", ErrorCodeFilter)
    ordering = ("-id",)
    uuid_search = ("slot_id", "file_upload_id", "text_storage_id", "slot__batch_id")
    fields = (
        *("slot_id", "phase", "revision", "file_upload_id", "text_storage_id", "language"),
        *("status", "engine", "error"),
        *("created_at", "started_at", "ended_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[StepRun]:
        """The rows, without loading what support staff do not see."""
        return super().get_queryset(request).defer("output")
