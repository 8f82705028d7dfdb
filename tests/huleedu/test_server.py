"""The web server's own parts that need no running installation."""

import asyncio
from contextvars import ContextVar
from typing import Any

from huleedu.server import LimitedServer

LENT: ContextVar[str] = ContextVar("lent", default="nothing")


def test_a_request_begins_in_a_context_of_its_own() -> None:
    """Its connection may be taken in while another request runs, whose threads it must not use."""
    seen: list[str] = []

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(LENT.get())

    async def take_in() -> None:
        server = LimitedServer(application, endpoints=["tcp:port=0"])
        protocol = object()
        server.connections = {protocol: {}}
        LENT.set("by another request")
        server.create_application(protocol, {"type": "http"})
        await server.connections[protocol]["application_instance"]

    asyncio.run(take_in())
    assert seen == ["nothing"]
