"""The ASGI application: pages and API through Django, sockets through Channels."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huleedu.settings")
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from huleedu.web.handler import Handler  # noqa: E402
from huleedu.web.limits import BodyLimit  # noqa: E402
from huleedu.web.serving import Gate  # noqa: E402
from realtime.guard import guarded  # noqa: E402
from realtime.routing import websocket_urlpatterns  # noqa: E402

socket_router = URLRouter(websocket_urlpatterns)
application = Gate(ProtocolTypeRouter({"http": BodyLimit(Handler()), "websocket": guarded(socket_router)}))
