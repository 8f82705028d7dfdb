"""A whole evening takes few clicks, also when the network goes twice and the server once."""

import pytest

from tests.browser.conftest import Visit
from tests.browser.evening import ESSAYS, MOST_CLICKS, cuts, nothing, spend

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(400)]


@pytest.mark.parametrize("disturbed", [False, True], ids=["calm", "disturbed"])
def test_from_thirty_files_to_thirty_pdfs(visit: Visit, disturbed: bool) -> None:
    visit.expected = ("ERR_", "WebSocket", "Failed to load resource")
    page = visit.page("/")
    evening = spend(page, cuts(visit.installation) if disturbed else nothing)
    assert len(evening.handed_back) == ESSAYS
    assert all(name.endswith(".pdf") for name in evening.handed_back)
    assert evening.clicks <= MOST_CLICKS
