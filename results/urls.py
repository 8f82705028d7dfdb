"""Addresses of the pages that show batches, essays, results and traces."""

from django.urls import path

from results import bin_views, export_views, settings_views, table_views, views

urlpatterns = [
    path("", views.overview_page, name="overview"),
    path("filters/", views.filters_fragment, name="overview-filters"),
    path("search/", views.search, name="search"),
    path("batches/<uuid:batch_id>/", views.batch_page, name="batch"),
    path("batches/<uuid:batch_id>/keeping/", bin_views.keeping, name="batch-keeping"),
    path("batches/<uuid:batch_id>/settings/", settings_views.settings_page, name="batch-settings"),
    path("batches/<uuid:batch_id>/head/", settings_views.head_fragment, name="batch-head"),
    path("batches/<uuid:batch_id>/actions/delete/", bin_views.delete, name="batch-delete"),
    path("batches/<uuid:batch_id>/actions/archive/", bin_views.archive, name="batch-archive"),
    path("batches/<uuid:batch_id>/actions/unarchive/", bin_views.unarchive, name="batch-unarchive"),
    path("bin/", bin_views.bin_page, name="bin"),
    path("bin/<uuid:batch_id>/restore/", bin_views.restore, name="bin-restore"),
    path("bin/<uuid:batch_id>/erase/", bin_views.erase, name="bin-erase"),
    path("batches/<uuid:batch_id>/card/", views.card_fragment, name="batch-card"),
    path("batches/<uuid:batch_id>/troubles/", views.troubles_fragment, name="batch-troubles"),
    path("batches/<uuid:batch_id>/essays/", views.essay_list, name="essay-list"),
    path("batches/<uuid:batch_id>/essays/<int:number>/", views.essay_page, name="essay"),
    path("batches/<uuid:batch_id>/actions/columns/", table_views.choose_columns, name="table-columns"),
    path(
        "batches/<uuid:batch_id>/essays/<int:number>/marks/<int:start>/",
        views.mark_in_essays,
        name="mark-in-essays",
    ),
    path("batches/<uuid:batch_id>/marks/<slug:kind>/", views.marks_of_kind, name="marks-of-kind"),
    path("batches/<uuid:batch_id>/results/", views.results_page, name="results"),
    path("batches/<uuid:batch_id>/exports/", export_views.exports_page, name="batch-exports"),
    path("batches/<uuid:batch_id>/exports/list/", export_views.export_list, name="export-list"),
    path("exports/<uuid:export_id>/", export_views.export_file, name="export-file"),
    path("exports/<uuid:export_id>/actions/remove/", export_views.remove, name="export-remove"),
    path("exports/<uuid:export_id>/actions/retry/", export_views.retry, name="export-retry"),
    path("files/<uuid:file_upload_id>/trace/", views.file_trace, name="file-trace"),
]
