"""The ASGI application: pages and API through Django, sockets through Channels."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huleedu.settings")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from huleedu.limits import BodyLimit  # noqa: E402
from huleedu.serving import Gate  # noqa: E402
from realtime.guard import guarded  # noqa: E402
from realtime.routing import websocket_urlpatterns  # noqa: E402

socket_router = URLRouter(websocket_urlpatterns)
application = Gate(
    ProtocolTypeRouter({"http": BodyLimit(django_application), "websocket": guarded(socket_router)})
)
