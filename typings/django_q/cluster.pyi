from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from typing import Any
from uuid import UUID

from django_q.queues import Queue as Queue

def get_mp_context() -> Any: ...

class Sentinel:
    pool: list[Any]
    monitor: BaseProcess
    pusher: BaseProcess
    result_queue: Queue
    task_queue: Queue
    def __init__(self, stop_event: Event, start_event: Event, cluster_id: UUID) -> None: ...
    def spawn_cluster(self) -> None: ...
    def reincarnate(self, process: BaseProcess) -> None: ...
