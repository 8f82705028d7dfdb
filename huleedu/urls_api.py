"""Addresses below ``/v1/``. Ids are any text, so that a malformed one is answered like a missing one."""

from django.urls import path, re_path

from batches.api import RegisterView
from essays.api import AcceptedView, EssayLanguageView, EssayView, FileReprocessView, NoteView
from files.api import (
    ContentUploadView,
    ContentView,
    FileView,
    ReplaceView,
    RestoreView,
    TraceView,
    UploadView,
)
from files.limits_api import LimitsView
from huleedu.api.views import NotFoundView, SchemaView, TokenView
from results.api import AnalyticsView, BatchesView, BatchView, EventsView, ResultsView, StatusView
from results.api_actions import (
    CancelView,
    ExpectView,
    ExtendView,
    LanguageView,
    ReprocessView,
    ResumeView,
    StartView,
)
from results.api_bin import ArchiveView, BinnedView, BinRestoreView, BinView, KeepView, UnarchiveView
from results.api_exports import ExportContentView, ExportRetryView, ExportsView, ExportView
from results.api_settings import SettingsView

urlpatterns = [
    path("auth/token", TokenView.as_view(), name="api-token"),
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("batches/register", RegisterView.as_view(), name="api-register"),
    path("batches", BatchesView.as_view(), name="api-batches"),
    path("batches/<str:batch_id>", BatchView.as_view(), name="api-batch"),
    path("batches/<str:batch_id>/start", StartView.as_view(), name="api-start"),
    path("batches/<str:batch_id>/extend", ExtendView.as_view(), name="api-extend"),
    path("batches/<str:batch_id>/expect", ExpectView.as_view(), name="api-expect"),
    path("batches/<str:batch_id>/language", LanguageView.as_view(), name="api-language"),
    path("batches/<str:batch_id>/settings", SettingsView.as_view(), name="api-settings"),
    path("batches/<str:batch_id>/cancel", CancelView.as_view(), name="api-cancel"),
    path("batches/<str:batch_id>/resume", ResumeView.as_view(), name="api-resume"),
    path("batches/<str:batch_id>/reprocess", ReprocessView.as_view(), name="api-reprocess"),
    path("batches/<str:batch_id>/status", StatusView.as_view(), name="api-status"),
    path("batches/<str:batch_id>/results", ResultsView.as_view(), name="api-results"),
    path("batches/<str:batch_id>/events", EventsView.as_view(), name="api-events"),
    path("batches/<str:batch_id>/analytics", AnalyticsView.as_view(), name="api-analytics"),
    path("batches/<str:batch_id>/keep", KeepView.as_view(), name="api-keep"),
    path("batches/<str:batch_id>/archive", ArchiveView.as_view(), name="api-archive"),
    path("batches/<str:batch_id>/unarchive", UnarchiveView.as_view(), name="api-unarchive"),
    path("batches/<str:batch_id>/exports", ExportsView.as_view(), name="api-exports"),
    path("exports/<str:export_id>", ExportView.as_view(), name="api-export"),
    path("exports/<str:export_id>/retry", ExportRetryView.as_view(), name="api-export-retry"),
    path("exports/<str:export_id>/content", ExportContentView.as_view(), name="api-export-content"),
    path("bin", BinView.as_view(), name="api-bin"),
    path("bin/<str:batch_id>", BinnedView.as_view(), name="api-binned"),
    path("bin/<str:batch_id>/restore", BinRestoreView.as_view(), name="api-bin-restore"),
    path("files/batch", UploadView.as_view(), name="api-upload"),
    path("files/<str:file_upload_id>", FileView.as_view(), name="api-file"),
    path("files/<str:file_upload_id>/content", ReplaceView.as_view(), name="api-replace"),
    path("files/<str:file_upload_id>/restore", RestoreView.as_view(), name="api-file-restore"),
    path("files/<str:file_upload_id>/reprocess", FileReprocessView.as_view(), name="api-file-reprocess"),
    path("files/<str:file_upload_id>/trace", TraceView.as_view(), name="api-trace"),
    path("essays/<str:essay_id>", EssayView.as_view(), name="api-essay"),
    path("essays/<str:essay_id>/accepted", AcceptedView.as_view(), name="api-accepted"),
    path("essays/<str:essay_id>/note", NoteView.as_view(), name="api-note"),
    path("essays/<str:essay_id>/language", EssayLanguageView.as_view(), name="api-essay-language"),
    path("limits", LimitsView.as_view(), name="api-limits"),
    path("content", ContentUploadView.as_view(), name="api-store-content"),
    path("content/<str:content_id>", ContentView.as_view(), name="api-content"),
    re_path(r"^[\s\S]*$", NotFoundView.as_view(), name="api-not-found"),
]
