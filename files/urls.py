"""Addresses of forms about files."""

from django.urls import path

from files import original_views, several_views, views

urlpatterns = [
    path("batches/<uuid:batch_id>/upload/", views.upload, name="batch-upload"),
    path(
        "batches/<uuid:batch_id>/files/replace/", several_views.replace_several, name="files-replace-several"
    ),
    path("batches/<uuid:batch_id>/files/remove/", several_views.remove_several, name="files-remove-several"),
    path("files/<uuid:file_upload_id>/actions/replace/", views.replace, name="file-replace"),
    path("files/<uuid:file_upload_id>/actions/remove/", views.remove, name="file-remove"),
    path("files/<uuid:file_upload_id>/actions/restore/", views.restore, name="file-restore"),
    path("batches/<uuid:batch_id>/removed/", views.removed, name="batch-removed"),
    path("files/<uuid:file_upload_id>/actions/reprocess/", views.reprocess, name="file-reprocess"),
    path("files/<uuid:file_upload_id>/original/", original_views.original_page, name="file-original"),
    path("files/<uuid:file_upload_id>/original/shown/", original_views.shown, name="file-original-shown"),
    path("files/<uuid:file_upload_id>/original/saved/", original_views.saved, name="file-original-saved"),
]
