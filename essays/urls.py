"""Addresses of forms about a batch's essays."""

from django.urls import path

from essays import views

urlpatterns = [
    path("batches/<uuid:batch_id>/actions/start/", views.start, name="batch-start"),
    path("batches/<uuid:batch_id>/actions/language/", views.batch_language, name="batch-language"),
    path(
        "batches/<uuid:batch_id>/essays/<int:number>/language/", views.essay_language, name="essay-language"
    ),
    path("batches/<uuid:batch_id>/essays/<int:number>/accept/", views.accept_word, name="accept-word"),
    path("batches/<uuid:batch_id>/essays/<int:number>/note/", views.write_note, name="essay-note"),
    path("account/words/", views.own_words, name="own-words"),
    path("account/words/<int:pk>/forget/", views.forget_word, name="forget-word"),
]
