"""Addresses of forms about batches."""

from django.urls import path

from batches import views

urlpatterns = [
    path("batches/new/", views.new_batch, name="batch-new"),
    path("batches/<uuid:batch_id>/actions/extend/", views.extend, name="batch-extend"),
    path("batches/<uuid:batch_id>/actions/expect/", views.expect, name="batch-expect"),
    path("batches/<uuid:batch_id>/actions/cancel/", views.cancel, name="batch-cancel"),
    path("batches/<uuid:batch_id>/actions/resume/", views.resume, name="batch-resume"),
]
