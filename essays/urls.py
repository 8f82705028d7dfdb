"""Addresses of forms about a batch's essays."""

from django.urls import path

from essays import views

urlpatterns = [
    path("batches/<uuid:batch_id>/actions/start/", views.start, name="batch-start"),
    path("batches/<uuid:batch_id>/actions/language/", views.batch_language, name="batch-language"),
    path(
        "batches/<uuid:batch_id>/essays/<int:number>/language/", views.essay_language, name="essay-language"
    ),
]
