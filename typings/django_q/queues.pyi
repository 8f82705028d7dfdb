import multiprocessing.queues
from typing import Any

class Queue(multiprocessing.queues.Queue[Any]):
    _reader: Any
    _rlock: Any
    _wlock: Any
    def __init__(self, maxsize: int = ...) -> None: ...
