class Conf:
    CLUSTER_NAME: str
    RETRY: int
    BULK: int
    ORM: str
