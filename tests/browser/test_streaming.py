"""Two hundred files stream into an open table of essays, and its page could answer a key at any moment.

What a task of the page's only thread works is counted, not how long it waits for a processor: others use this
machine, too.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, read_batch, register

pytestmark = [pytest.mark.browser, pytest.mark.live]

FILES = 200
LONGEST = 50  # milliseconds
TASKS = "disabled-by-default-lighthouse"  # what Chromium calls a trace of tasks alone


def longest_tasks(trace: bytes) -> list[float]:
    """The milliseconds of work of each task of pages' main threads, the longest first."""
    events = json.loads(trace)["traceEvents"]
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        event["tdur"] / 1000
        for event in events
        if event["name"].endswith("RunTask") and (event["pid"], event["tid"]) in threads and "tdur" in event
    ]
    return sorted(tasks, reverse=True)


@pytest.mark.parametrize("place", ["essays", "results"])
def test_no_task_is_long_while_files_stream_in(visit: Visit, place: str) -> None:
    batch_id = register(visit.installation, visit.token, "Streaming", FILES)

    def send(number: int) -> None:
        text = essay(5000 + number).encode()
        visit.installation.upload_until_answered(batch_id, visit.token, f"{number}.txt", text)

    send(1)
    page = visit.page(f"/batches/{batch_id}/{place}/")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    visit.browser.start_tracing(page=page, categories=["toplevel", TASKS])
    with ThreadPoolExecutor(2) as senders:
        sent = [senders.submit(send, number) for number in range(2, FILES + 1)]
        while not all(each.done() for each in sent):
            page.wait_for_timeout(250)
    for each in sent:
        each.result()
    until = time.monotonic() + 240
    while read_batch(visit.installation, batch_id, visit.token)["status"] != "completed":
        assert time.monotonic() < until
        page.wait_for_timeout(500)
    expect(page.locator("#rows .chip-done")).to_have_count(FILES)
    tasks = longest_tasks(visit.browser.stop_tracing())
    assert tasks
    assert [each for each in tasks if each > LONGEST] == []
