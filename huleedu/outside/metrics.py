"""What each process measures itself. Facts from the database are in ``huleedu.watching.collector``."""

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from huleedu.outside.recent import Recent

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

SOCKET_LATENCY = Histogram(
    "event_to_socket_latency_seconds",
    "From an event's occurrence to its live message on a socket of this process",
    buckets=SECONDS,
    registry=REGISTRY,
)
CIRCUIT_OPEN = Gauge(
    "circuit_open",
    "1 while this process does not call an endpoint because it hung or failed",
    ["endpoint"],
    registry=REGISTRY,
)
CIRCUIT_TRIPS = Counter(
    "circuit_trips", "How often this process stopped calling an endpoint", ["endpoint"], registry=REGISTRY
)
SIGN_IN_TRIES = Counter(
    "sign_in_tries",
    "Passwords tried at this process: right, wrong, or not looked at (waiting, busy)",
    ["outcome"],
    registry=REGISTRY,
)
SERVER_ERRORS = Counter(
    "http_server_errors",
    "Answers of this process with a status of 500 or more; 507 says that a disk is full",
    registry=REGISTRY,
)
RECENT_SERVER_ERRORS = Recent()
RECENT_WRONG_PASSWORDS = Recent()
Gauge("http_server_errors_recent", "The same within the last ten minutes", registry=REGISTRY).set_function(
    RECENT_SERVER_ERRORS.total
)
Gauge(
    "sign_in_failures_recent",
    "Wrong passwords at this process within the last ten minutes",
    registry=REGISTRY,
).set_function(RECENT_WRONG_PASSWORDS.total)


def count_answer(status: int) -> None:
    """Count an answer of ours that was a failure of ours."""
    if status >= 500:
        SERVER_ERRORS.inc()
        RECENT_SERVER_ERRORS.add()


def observe_sent(timestamp: str) -> None:
    """Count a live message that was sent just now; ``timestamp`` is its event's, ISO 8601 with a zone."""
    passed = datetime.now(UTC) - datetime.fromisoformat(timestamp)
    SOCKET_LATENCY.observe(max(0.0, passed.total_seconds()))
