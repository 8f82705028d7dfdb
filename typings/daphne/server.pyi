from asyncio import Queue
from collections.abc import Callable
from typing import Any

from daphne.http_protocol import HTTPFactory
from daphne.ws_protocol import WebSocketFactory

class Server:
    http_factory: HTTPFactory
    ws_factory: WebSocketFactory
    ready_callable: Callable[[], None] | None
    connections: dict[object, dict[str, Any]]
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def run(self) -> None: ...
    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None: ...
    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Queue[dict[str, Any]] | None: ...
