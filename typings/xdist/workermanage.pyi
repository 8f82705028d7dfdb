class Gateway:
    id: str

class WorkerController:
    gateway: Gateway
