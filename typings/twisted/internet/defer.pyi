from asyncio import Future
from typing import Generic, TypeVar

T = TypeVar("T")

class Deferred(Generic[T]):
    @classmethod
    def fromFuture(cls, future: Future[T]) -> Deferred[T]: ...
