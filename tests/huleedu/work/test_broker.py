"""The broker: a token is gone when it is taken, and none waits for workers that were not told of it."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from huleedu.work.broker import ListeningBroker

CLUSTER = "tokens"


@pytest.fixture
def broker(transactional_db: None) -> Iterator[ListeningBroker]:
    yield ListeningBroker(list_key=CLUSTER)
    with connection.cursor() as cursor:
        cursor.execute("UNLISTEN *")


def test_a_token_whose_taker_died_does_not_come_back(broker: ListeningBroker) -> None:
    """It would count as one that wakes a worker, and nobody is woken when its time is over."""
    broker.enqueue("token")
    taken = broker.dequeue()
    assert taken is not None
    assert [payload for _, payload in taken] == ["token"]
    assert not OrmQ.objects.exists()


def test_tokens_are_taken_in_order_and_once(broker: ListeningBroker) -> None:
    for number in range(3):
        broker.enqueue(str(number))
    other = ListeningBroker(list_key=CLUSTER)
    taken = [*(broker.dequeue() or []), *(other.dequeue() or []), *(broker.dequeue() or [])]
    assert [payload for _, payload in taken] == ["0", "1", "2"]


def test_only_tokens_of_the_own_cluster_are_taken(broker: ListeningBroker) -> None:
    ListeningBroker(list_key="another").enqueue("theirs")
    broker.enqueue("ours")
    assert [payload for _, payload in broker.dequeue() or []] == ["ours"]
    assert OrmQ.objects.get().payload == "theirs"


def test_a_token_that_was_used_costs_nothing_more(broker: ListeningBroker) -> None:
    broker.enqueue("a")
    ((number, _),) = broker.dequeue() or []
    assert not OrmQ.objects.exists()
    with CaptureQueriesContext(connection) as said:
        broker.acknowledge(number)
    assert not said.captured_queries
