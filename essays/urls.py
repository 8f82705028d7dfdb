"""Addresses of forms about a batch's essays."""

from django.urls import path

from essays import views

urlpatterns = [
    path("batches/<uuid:batch_id>/actions/start/", views.start, name="batch-start"),
]
