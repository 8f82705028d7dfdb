"""From signing in to results: a teacher's way with all that can be wrong in a folder."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import Visit, sign_in
from tests.browser.material import essay, make_folder, read_batch, register, text_file

LANGUAGES = Path(__file__).resolve().parents[1] / "files" / "steps" / "languages"
pytestmark = [pytest.mark.browser, pytest.mark.live]

WATCH_SUMS = """
() => {
  const read = () => Object.fromEntries([...document.querySelectorAll("batch-page [data-count]")]
    .map((place) => [place.dataset.count, Number(place.textContent)]));
  const sums = (window.sums = { seen: 0, wrong: [] });
  const check = () => {
    const n = read();
    sums.seen += 1;
    const known = n.ready + n.reading + n.failed + n.excess + n.duplicate;
    if (n.received !== known || n.expected !== n.free + n.ready)
      sums.wrong.push(JSON.stringify(n));
  };
  new MutationObserver(check).observe(document.querySelector("batch-page"),
    { subtree: true, childList: true, characterData: true, attributes: true });
}
"""
ROWS = """() => [...document.querySelectorAll(".file-list > li")]
  .map((row) => [row.querySelector("[data-part=name]").textContent, row.dataset.status,
    row.querySelector("[data-part=essay]").textContent.trim()].join(" | ")).sort()"""
DROP = """(files) => {
  const carried = new DataTransfer();
  for (const [name, text] of files) carried.items.add(new File([text], name));
  dispatchEvent(new DragEvent("drop", { dataTransfer: carried, cancelable: true }));
}"""


def choose(page: Page, *files: FilePayload) -> None:
    """Choose files in the drop zone."""
    page.locator("[data-drop-zone] [multiple]").set_input_files(files)


def row(page: Page, name: str) -> Locator:
    """The row of the file ``name``."""
    return page.locator(".file-row", has=page.get_by_text(name, exact=True))


def headline(page: Page, words: str) -> None:
    """Wait until the page says ``words`` above its bar."""
    expect(page.locator(".headline")).to_have_text(words)


def chip(page: Page, words: str) -> None:
    """Wait until the batch's state is ``words``."""
    expect(page.locator(".page-head .chip:visible")).to_have_text(words)


def counts(page: Page) -> dict[str, int]:
    """The numbers the page shows."""
    places = page.locator("batch-page [data-count]").all()
    return {str(place.get_attribute("data-count")): int(place.text_content() or "") for place in places}


def api(visit: Visit, page: Page) -> dict[str, Any]:
    """The batch in the page as the API shows it."""
    found = re.search(r"/batches/([0-9a-f-]{36})/", page.url)
    assert found is not None
    return read_batch(visit.installation, found[1], visit.token)


def new_page(visit: Visit, title: str, count: int) -> Page:
    """The page of a fresh batch."""
    batch_id = register(visit.installation, visit.token, title, count)
    page = visit.page(f"/batches/{batch_id}/")
    expect(page.locator("[data-live]")).to_have_text("Live")
    return page


def test_a_folder_of_files_becomes_results(visit: Visit, tmp_path: Path) -> None:
    page = visit.page(signed_in=False)
    sign_in(page, visit.installation)
    overview = visit.tab(page.context, "/")
    page.locator(".page-head").get_by_role("link", name="New batch").click()
    page.get_by_label("Assignment").fill("Mobiler på lektionen")
    page.get_by_label("Class", exact=True).fill("9B")
    page.get_by_label("Number of essays").fill("900")
    page.get_by_role("button", name="Create and add files").click()
    expect(page.locator(".field-error")).to_have_text("Write a number from 1 to 200.")
    page.get_by_label("Number of essays").fill("6")
    page.get_by_role("button", name="Create and add files").click()
    expect(page.locator("[data-live]")).to_have_text("Live")
    page.evaluate(WATCH_SUMS)
    page.locator("[data-drop-zone] [multiple]").set_input_files(make_folder(tmp_path))
    check_what_became_of_the_folder(page)
    check_everyone_sees_the_same(visit, page)
    expect(overview.locator(".batch-card", has_text="Mobiler på lektionen")).to_contain_text("5 of 6")
    fill_the_last_place(page)
    go_on_after_the_end(page)
    check_results(visit, page)


def check_what_became_of_the_folder(page: Page) -> None:
    """Every file says what became of it, and the numbers added up at every moment."""
    headline(page, "5 of 6 essays ready")
    expect(page.locator("[data-count=received]")).to_have_text("8")
    for name in ("Åsa Öberg (utkast 2).docx", "Östen [slutlig].pdf", "Björn Ek.docx", "Zoë.txt"):
        expect(row(page, name)).to_contain_text(re.compile(r"words.*Ready.*Essay \d", re.S))
    empty = row(page, "Tom fil.txt")
    expect(empty).to_contain_text("Needs attention")
    expect(empty).to_contain_text(
        "No text found The file is empty. Replace it with the file that has the essay."
    )
    expect(empty).to_contain_text("0 KB")
    expect(empty.get_by_label("Replace file: Tom fil.txt")).to_be_attached()
    expect(row(page, "Egil.pages")).to_contain_text("This kind of file can’t be read")
    expect(page.locator(".file-row", has_text="Already here")).to_have_count(1)
    sums = page.evaluate("window.sums")
    assert sums["seen"] > 1
    assert sums["wrong"] == []


def check_everyone_sees_the_same(visit: Visit, page: Page) -> None:
    """The page, the page read again, a second tab and the API tell the same."""
    rows, shown = page.evaluate(ROWS), counts(page)
    told = api(visit, page)["counts"]
    assert {name: shown[name] for name in ("received", "free", "failed", "duplicate")} == {
        name: told[name] for name in ("received", "free", "failed", "duplicate")
    }
    second = visit.tab(page.context, page.url)
    page.reload()
    for other in (second, page):
        expect(other.locator("[data-live]")).to_have_text("Live")
        assert other.evaluate(ROWS) == rows
        assert counts(other) == shown
    second.close()


def fill_the_last_place(page: Page) -> None:
    """The copy is removed, the empty file replaced: all places are taken and the batch runs to its end."""
    copy = page.locator(".file-row", has_text="Already here")
    copy.get_by_role("button", name="Remove").focus()
    page.keyboard.press("Enter")
    expect(copy).to_have_count(0)
    assert page.evaluate("document.activeElement.dataset.part") == "name"
    page.get_by_label("Replace file: Tom fil.txt").set_input_files(text_file("Nu med text.txt", essay(7)))
    expect(row(page, "Nu med text.txt")).to_contain_text("Ready")
    headline(page, "6 of 6 essays ready")
    chip(page, "Finished, some with problems")


def go_on_after_the_end(page: Page) -> None:
    """In a full, finished batch a failed file can be replaced; the new one waits for a place."""
    expect(row(page, "Egil.pages").get_by_role("button", name="Remove")).to_be_visible()
    page.get_by_label("Replace file: Egil.pages").set_input_files(text_file("Egil.txt", essay(8)))
    expect(row(page, "Egil.txt")).to_contain_text("No place left")
    choose(page, text_file("Fia.txt", essay(9)))
    expect(row(page, "Fia.txt")).to_contain_text("No place left")
    page.locator("[data-when-excess]").get_by_role("button", name="Make room for 2 more").click()
    expect(row(page, "Egil.txt")).to_contain_text("Ready")
    headline(page, "8 of 8 essays ready")
    chip(page, "Finished")


def check_results(visit: Visit, page: Page) -> None:
    """The results page shows the API's numbers, and an essay its marks."""
    told = api(visit, page)
    answer = visit.installation.get(f"/v1/batches/{told['batch_id']}/results", visit.token).body
    page.get_by_role("link", name="Results").click()
    expect(page.locator(".tile b").first).to_have_text(str(told["counts"]["assigned"]))
    lines = page.locator("#rows tbody tr")
    expect(lines).to_have_count(told["counts"]["received"])
    for essay_row in answer["essays"]:
        line = lines.filter(has=page.get_by_role("link", name=f"Essay {essay_row['number']}", exact=True))
        expect(line).to_contain_text(essay_row["filename"])
        marks = str(essay_row["spellcheck"]["findings"])
        assert line.locator("td").all_text_contents()[1:3] == [str(essay_row["words"]), marks]


def test_more_files_than_places_wait_until_there_is_room(visit: Visit) -> None:
    page = new_page(visit, "Too small", 1)
    choose(page, *(text_file(f"{number}.txt", essay(30 + number)) for number in range(3)))
    expect(page.locator(".file-row", has_text="No place left")).to_have_count(2)
    page.locator(".stack > .banner").get_by_role("button", name="Make room for 2 more").click()
    headline(page, "3 of 3 essays ready")
    chip(page, "Finished")
    expect(page.get_by_role("button", name="Make room")).to_have_count(0)


def test_starting_early_leaves_room_for_late_essays(visit: Visit) -> None:
    page = new_page(visit, "Early", 5)
    expect(page.locator("[data-deadline-text]")).to_contain_text("in 24 hours")
    page.get_by_role("button", name="Extend by one day").click()
    expect(page.locator("[data-deadline-text]")).to_contain_text("in 2 days")
    choose(page, text_file("first.txt", essay(41)), text_file("second.txt", essay(42)))
    page.get_by_role("button", name="Start with the 2 essays that are here").click()
    chip(page, "Finished")
    choose(page, text_file("late.txt", essay(43)))
    expect(row(page, "late.txt")).to_contain_text("Essay 3")
    headline(page, "3 of 5 essays ready")
    chip(page, "Finished")


def test_essays_in_other_languages_say_so_and_the_batchs_can_be_changed(visit: Visit) -> None:
    page = new_page(visit, "Languages", 3)  # in English
    texts = {name: (LANGUAGES / f"{name}.txt").read_text(encoding="utf-8") for name in ("sv", "en", "nb")}
    choose(page, *(text_file(f"{name}.txt", text) for name, text in texts.items()))
    chip(page, "Finished, some with problems")
    note = "[data-part=note]"
    expect(row(page, "sv.txt").locator(note)).to_have_text("In Swedish, and checked as such.")
    expect(row(page, "nb.txt").locator(note)).to_have_text("In Norwegian. The spelling is not checked.")
    expect(row(page, "en.txt").locator(note)).to_have_text("")
    page.get_by_role("link", name="in English").click()
    page.get_by_label("Language of the batch").select_option("sv")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="in Swedish")).to_be_focused()
    expect(row(page, "en.txt").locator(note)).to_have_text("In English, and checked as such.")
    expect(row(page, "sv.txt").locator(note)).to_have_text("")
    row(page, "nb.txt").locator("[data-part=essay]").click()
    expect(page.locator(".marks")).to_contain_text("In Norwegian. The spelling is not checked.")
    page.get_by_label("Language of this essay").select_option("sv")
    page.locator(".language-choice").get_by_role("button", name="Change").click()
    expect(page.get_by_label("Language of this essay")).to_have_value("sv")
    page.get_by_role("link", name="Files").click()
    chip(page, "Finished")
    expect(row(page, "nb.txt").locator(note)).to_have_text("")


def test_a_cancelled_batch_offers_nothing(visit: Visit) -> None:
    page = new_page(visit, "Cancelled", 2)
    choose(page, text_file("empty.txt", ""))
    expect(row(page, "empty.txt")).to_contain_text("No text found")
    page.get_by_role("link", name="Cancel this batch").click()
    page.get_by_role("button", name="Cancel the batch").click()
    chip(page, "Cancelled")
    for hidden in ("[data-drop-zone]", ".file-trouble .button", "[data-batch-action]"):
        expect(page.locator(hidden).locator("visible=true")).to_have_count(0)
    page.reload()
    chip(page, "Cancelled")
    expect(page.locator(".file-trouble .button").locator("visible=true")).to_have_count(0)


def test_files_dropped_on_the_overview_become_a_batch(visit: Visit) -> None:
    page = visit.page("/")
    page.evaluate(DROP, [[f"dropped {number}.txt", essay(50 + number)] for number in range(3)])
    page.wait_for_url("**/batches/*/")
    headline(page, "3 of 3 essays ready")
    chip(page, "Finished")
    page.go_back()
    page.goto("/?show=done")
    expect(page.locator(".batch-card", has_text="Essays").filter(has_text="3 of 3").first).to_be_visible()


def test_an_essay_shows_its_marks_and_keys_walk_through_them(visit: Visit, showcase: Any) -> None:
    page = visit.page(f"/batches/{showcase.done}/essays/2/")
    expect(page.locator(".essay-text mark")).to_have_text(["becuase", "freind", "recieve"])
    expect(page.locator("[data-entry]").first).to_contain_text("because")
    page.keyboard.press("n")
    expect(page.locator("mark.current")).to_have_text("becuase")
    page.keyboard.press("n")
    expect(page.locator("mark.current")).to_have_text("freind")
    page.keyboard.press("p")
    expect(page.locator("mark.current")).to_have_text("becuase")
    page.emulate_media(media="print")
    for hidden in (".site-header", ".tabs", ".pager", ".keys"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator(".essay-text")).to_be_visible()


def test_a_cancelled_batch_is_gone_on_with_at_once_or_later(visit: Visit) -> None:
    page = new_page(visit, "Ångra", 2)
    choose(page, text_file("1.txt", essay(860)))
    headline(page, "1 of 2 essays ready")
    for later in (False, True):
        page.get_by_role("link", name="Cancel this batch").click()
        page.get_by_role("button", name="Cancel the batch").click()
        chip(page, "Cancelled")
        expect(page.locator("[data-drop-zone]")).to_be_hidden()
        if later:
            page.reload()
            page.get_by_role("button", name="Go on with it").click()
        else:
            page.locator(".toast").get_by_role("button", name="Undo").click()
        chip(page, "Collecting files")
        expect(page.locator("[data-when-cancelled]")).to_be_hidden()
    choose(page, text_file("2.txt", essay(861)))
    chip(page, "Finished")


def test_a_replacement_is_undone_from_the_message(visit: Visit) -> None:
    page = new_page(visit, "Fel fil", 1)
    choose(page, text_file("Tom.txt", ""))
    expect(row(page, "Tom.txt")).to_have_attribute("data-status", "failed")
    row(page, "Tom.txt").locator("[data-action=replace] [type=file]").set_input_files(
        text_file("Fel.txt", "")
    )
    expect(row(page, "Fel.txt")).to_have_attribute("data-status", "failed")
    page.locator(".toast", has_text="Replaced.").get_by_role("button", name="Undo").click()
    expect(row(page, "Tom.txt")).to_have_attribute("data-status", "failed")
    expect(page.locator(".file-row")).to_have_count(1)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_file_is_on_the_first_screen(visit: Visit, width: int, height: int) -> None:
    page = new_page(visit, "Först", 5)
    choose(page, *(text_file(f"{number}.txt", essay(870 + number)) for number in range(3)))
    headline(page, "3 of 5 essays ready")
    size = {"width": width, "height": height}
    small = visit.page(page.url, viewport=size, has_touch=width < 400)
    box = small.locator(".file-row").first.bounding_box()
    assert box is not None
    assert box["y"] + 32 <= height, "its name can be read"
