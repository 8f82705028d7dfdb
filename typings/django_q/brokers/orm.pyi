from typing import Any

from django_q.brokers import Broker

class ORM(Broker):
    @staticmethod
    def get_connection(list_key: str | None = ...) -> Any: ...
    def enqueue(self, task: str) -> int: ...
