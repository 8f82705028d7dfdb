"""Files reach a batch by drop, paste and choice, from each of its pages, and none is forgotten on the way."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, register, text_file
from tests.browser.test_history import drop, expect_names, expect_seen, shown_id, wait_for
from tests.browser.test_teacher import choose, headline

pytestmark = [pytest.mark.browser, pytest.mark.live]

LEFT = "closed before the connection is established"  # a page that was left at once
PASTE = """([place, type, files]) => {
  const carried = new DataTransfer();
  for (const [name, text] of files) carried.items.add(new File([text], name));
  if (type) carried.setData(type, "words");
  const event = new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
  document.querySelector(place).dispatchEvent(event);
  return event.defaultPrevented;
}"""


def paste(page: Page, name: str, place: str = "main", kind: str = "") -> bool:
    """Paste an essay as a file; whether the page took it."""
    taken: bool = page.evaluate(PASTE, [place, kind, [[name, essay(sum(name.encode()))]]])
    return taken


def empty_batch(visit: Visit, title: str, count: int) -> tuple[Page, str]:
    """A batch for ``count`` without files."""
    batch_id = register(visit.installation, visit.token, title, count)
    page = visit.page(f"/batches/{batch_id}/")
    expect(page.locator("[data-live][data-state=live]")).to_be_attached()
    return page, batch_id


def filled_batch(visit: Visit, title: str) -> tuple[Page, str]:
    """A batch for nine with one essay that is ready."""
    batch_id = register(visit.installation, visit.token, title, 9)
    page = visit.page(f"/batches/{batch_id}/")
    choose(page, text_file("First.txt", essay(800)))
    headline(page, "1 of 9 essays ready")
    return page, batch_id


@pytest.mark.parametrize("place", ["essays/", "essays/1/", "results/", "exports/"])
def test_each_page_of_a_batch_takes_what_is_dropped_and_chosen(visit: Visit, place: str) -> None:
    page, batch_id = filled_batch(visit, f"From {place}")
    address = f"/batches/{batch_id}/{place}"
    page.goto(address)
    drop(page, "Dropped.txt")
    headline(page, "2 of 9 essays ready")
    expect_seen(page, batch_id)
    page.go_back()
    expect(page.get_by_role("link", name="Files").first).to_be_visible()
    assert page.url.endswith(address)
    page.get_by_label("Add essays").set_input_files(text_file("Chosen.txt", essay(801)))
    headline(page, "3 of 9 essays ready")
    expect_names(visit, batch_id, ["First.txt", "Dropped.txt", "Chosen.txt"])


def test_files_are_pasted_but_not_into_a_field_or_beside_text(visit: Visit) -> None:
    page, batch_id = filled_batch(visit, "Pasted")
    assert not paste(page, "Field.txt", "[data-search]")
    assert not paste(page, "Picture of a text.txt", kind="text/html")
    assert paste(page, "Pasted.txt")
    headline(page, "2 of 9 essays ready")
    expect_names(visit, batch_id, ["First.txt", "Pasted.txt"])


def folder(tmp_path: Path, name: str, *files: str) -> Path:
    """A folder of essays."""
    (tmp_path / name).mkdir()
    for file in files:
        (tmp_path / name / file).write_text(essay(sum(file.encode())))
    return tmp_path / name


def test_a_folder_is_chosen_where_one_is_dropped(visit: Visit, tmp_path: Path) -> None:
    page = visit.page("/")
    page.locator("main .with-folders input").set_input_files(folder(tmp_path, "9D", "Eva.txt", "Bo.txt"))
    made = shown_id(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("9D")
    headline(page, "2 of 2 essays ready")
    page.locator("batch-page .with-folders input").set_input_files(folder(tmp_path, "Late", "Per.txt"))
    expect_names(visit, made, ["Eva.txt", "Bo.txt", "Per.txt"])


@pytest.mark.parametrize("own", [False, True])
def test_a_second_drop_while_the_first_becomes_a_batch_is_kept(visit: Visit, own: bool) -> None:
    visit.expected = (LEFT,)
    page = visit.page("/")
    held: list[Route] = []
    page.route("**/v1/batches/register", lambda route: held.append(route), times=1)
    drop(page, "First.txt")
    wait_for(page, lambda: len(held) == 1)
    drop(page, "Second.txt", "Third.txt")
    held[0].continue_()
    first = shown_id(page)
    question = page.locator("batch-page [data-second]")
    expect(question).to_contain_text("2 files were dropped meanwhile: Second.txt. Where do they belong?")
    headline(page, "1 of 1 essays ready")
    if own:
        question.get_by_role("button", name="In a batch of their own").click()
        headline(page, "2 of 2 essays ready")
        expect_names(visit, shown_id(page), ["Second.txt", "Third.txt"])
        expect_names(visit, first, ["First.txt"])
    else:
        question.get_by_role("button", name="In this batch").click()
        expect(question).to_be_hidden()
        expect_names(visit, first, ["First.txt", "Second.txt", "Third.txt"])


def test_a_second_drop_becomes_a_batch_where_the_first_could_not(visit: Visit) -> None:
    visit.expected = ("507", LEFT)
    page = visit.page("/")
    refusal: dict[str, Any] = {"status": 507, "content_type": "application/json", "body": "{}"}
    held: list[Route] = []
    page.route("**/v1/batches/register", lambda route: held.append(route), times=1)
    drop(page, "First.txt")
    wait_for(page, lambda: len(held) == 1)
    drop(page, "Second.txt")
    held[0].fulfill(**refusal)
    expect_names(visit, shown_id(page), ["Second.txt"])


SLOW = """() => { const read = Blob.prototype.arrayBuffer;
  Blob.prototype.arrayBuffer = async function () {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return read.call(this);
  }; }"""


def test_leaving_while_files_are_still_being_compared_is_asked_about(visit: Visit) -> None:
    page, _ = filled_batch(visit, "Comparing")
    page.evaluate(SLOW)
    page.mouse.click(5, 5)  # browsers ask only who has done something
    choose(page, text_file("First.txt", essay(800)), text_file("New.txt", essay(802)))
    with page.expect_event("dialog") as asked:
        page.evaluate("() => { setTimeout(() => location.reload(), 0); }")
    assert asked.value.type == "beforeunload"


def test_a_folder_dropped_again_before_it_has_arrived_arrives_once(visit: Visit) -> None:
    page, made = empty_batch(visit, "Twice", 2)
    drop(page, "Eva.txt", "Bo.txt")
    drop(page, "Eva.txt", "Bo.txt")
    note = page.locator("batch-page [data-note]")
    expect(note).to_have_text("2 files were already here, 0 added.")
    headline(page, "2 of 2 essays ready")
    expect_names(visit, made, ["Eva.txt", "Bo.txt"])


def test_a_folder_dropped_again_because_it_was_not_sent_is_sent(visit: Visit) -> None:
    visit.expected = ("net::ERR_FAILED",)
    page, made = empty_batch(visit, "Again", 2)
    page.route("**/v1/files/batch", lambda route: route.abort())
    drop(page, "Eva.txt", "Bo.txt")
    unsent = page.locator("batch-page [data-unsent]")
    expect(unsent).to_contain_text("2 files were not sent.")
    page.unroute("**/v1/files/batch")
    drop(page, "Eva.txt", "Bo.txt")
    headline(page, "2 of 2 essays ready")
    expect(unsent).to_be_hidden()
    expect_names(visit, made, ["Eva.txt", "Bo.txt"])
