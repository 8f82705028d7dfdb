"""Addresses for machines that watch HuleEdu: metrics and health."""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from huleedu.answers.proxy_mistakes import was_passed_on
from huleedu.machine.log_files import LogFacts
from huleedu.outside.disks import DiskFacts
from huleedu.outside.metrics import REGISTRY
from huleedu.postgres.moments import apart
from huleedu.watching import health
from huleedu.watching.collector import DatabaseFacts

LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})


class RedisFacts(Collector):
    """Whether live push works."""

    def collect(self) -> Iterator[Metric]:
        """1 or 0, within two seconds."""
        up = health.run_alone("redis").state == health.OK
        yield GaugeMetricFamily("redis_up", "Whether Redis or Valkey answered", float(up))


FACTS = CollectorRegistry()
for each in (DatabaseFacts(), DiskFacts(), RedisFacts(), LogFacts(settings.VAR_DIR / "logs")):
    FACTS.register(each)


@apart
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Metrics in Prometheus' text format; 403 for those who may not read them."""
    if not may_scrape(request):
        return HttpResponse("Metrics need the token of HULEEDU_METRICS_TOKEN.\n", "text/plain", 403)
    return HttpResponse(generate_latest(REGISTRY) + generate_latest(FACTS), CONTENT_TYPE_LATEST)


def may_scrape(request: HttpRequest) -> bool:
    """With a token configured: whoever has it. Without one: a program of this machine that asks directly.

    What a proxy passed on is a stranger’s, also of a proxy on this machine; its headers tell. Where
    we believe them (``BEHIND_PROXY``), only a proxy that is known to name clients (``TRUSTED_PROXIES``) makes
    a request without them a direct one. In any case this machine was asked by its loopback name.
    """
    token = settings.METRICS_TOKEN
    if token:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    hidden = settings.BEHIND_PROXY and not settings.TRUSTED_PROXIES
    if hidden or was_passed_on(request) or request.META.get("REMOTE_ADDR") not in LOOPBACK:
        return False
    return split_domain_port(request.META.get("HTTP_HOST", "localhost"))[0] in settings.LOOPBACK_HOSTS


@apart
@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers. Asks nobody else, so that nobody else's trouble restarts it."""
    return JsonResponse({"status": health.OK})


@apart
@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """200 while everything HuleEdu cannot do without is there, else 503; names the processes that differ.

    Also those that lack walls around readers of files (``huleedu.fit.walls``).
    """
    findings = health.run_checks()
    checks = {name: finding.state for name, finding in findings.items()}
    failed = health.FAILED in checks.values()
    degraded = health.DEGRADED in checks.values()
    status = health.FAILED if failed else health.DEGRADED if degraded else health.OK
    body: dict[str, object] = {"status": status, "checks": checks}
    if checks["agreement"] != health.OK and checks["database"] == health.OK:
        body["differences"] = named(findings["agreement"], findings["processes"])
    if missing := findings["walls"].missing:
        body["walls"] = [{"process": each.process, "missing": list(each.walls)} for each in missing]
    return JsonResponse(body, status=503 if failed else 200)


def named(*findings: health.Finding) -> list[dict[str, str]]:
    """Which process differs in what, without values; ``manage.py check_installation`` tells them.

    As the checks themselves found it: asking again would wait without a deadline for what kept them.
    """
    differences = next((found.differences for found in findings if found.differences), ())
    return [{"process": each.process, "differs": each.subject} for each in differences]
