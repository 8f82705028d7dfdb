"""Addresses of the pages that show batches, essays, results and traces."""

from django.urls import path

from results import views

urlpatterns = [
    path("", views.overview_page, name="overview"),
    path("search/", views.search, name="search"),
    path("batches/<uuid:batch_id>/", views.batch_page, name="batch"),
    path("batches/<uuid:batch_id>/card/", views.card_fragment, name="batch-card"),
    path("batches/<uuid:batch_id>/essays/", views.essay_list, name="essay-list"),
    path("batches/<uuid:batch_id>/essays/<int:number>/", views.essay_page, name="essay"),
    path("batches/<uuid:batch_id>/results/", views.results_page, name="results"),
    path("files/<uuid:file_upload_id>/trace/", views.file_trace, name="file-trace"),
]
