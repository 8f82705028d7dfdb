"""WebSocket addresses."""

from typing import Any

from django.urls import path, re_path

from realtime.consumers import BatchConsumer, NoSuchAddress, TeacherConsumer

# Django's ``path`` is typed for views; Channels routes ASGI applications with it.
batch_socket: Any = BatchConsumer.as_asgi()
teacher_socket: Any = TeacherConsumer.as_asgi()
nowhere: Any = NoSuchAddress.as_asgi()
websocket_urlpatterns: list[Any] = [
    path("ws/batches/<uuid:batch_id>/", batch_socket),
    path("ws/teacher/", teacher_socket),
    re_path("", nowhere),
]
