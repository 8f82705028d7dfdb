"""A folder with one folder for each pupil: rows of one name are told apart, at once and by everyone."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, read_batch, register
from tests.browser.test_history import shown_id
from tests.browser.test_teacher import headline
from tests.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.live]

NAME = "Uppsats.txt"
# A script cannot make a drop with folders in it, so the event carries what the browser would hand out.
DROP_FOLDER = """(files) => {
  const leaf = (name, text) => ({ name, file: (done) => done(new File([text], name)) });
  const tree = (name, children) => ({ name, isDirectory: true, createReader: () => {
    const parts = [children, []];
    return { readEntries: (done) => done(parts.shift()) };
  } });
  const folders = files.map(([folder, name, text]) => tree(folder, [leaf(name, text)]));
  const event = new DragEvent("drop", { cancelable: true });
  const items = [{ webkitGetAsEntry: () => tree("9B", folders) }];
  Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], items, files: [] } });
  dispatchEvent(event);
}"""
SHOWN = """() => [...document.querySelectorAll(".file-row [data-part=name]")]
  .map((name) => name.textContent).sort()"""


def rows_say(page: Page, *expected: str) -> None:
    """Wait until the rows' names read so."""
    for text in expected:
        expect(page.locator(".file-row [data-part=name]", has_text=text)).to_have_count(1)
    assert page.evaluate(SHOWN) == sorted(expected)


def test_a_folder_for_each_pupil_is_told_on_the_row(visit: Visit) -> None:
    page = visit.page("/")
    pupils = [
        ["Bo", NAME, essay(71)],
        ["Anna Andersson", NAME, essay(72)],
        ["Cilla", "Min text.txt", essay(73)],
    ]
    page.evaluate(DROP_FOLDER, pupils)
    batch_id = shown_id(page)
    headline(page, "3 of 3 essays ready")
    expect(page.get_by_role("heading", level=1)).to_have_text("9B")
    rows = (f"Anna Andersson / {NAME}", f"Bo / {NAME}", "Min text.txt")
    rows_say(page, *rows)
    page.reload()
    rows_say(page, *rows)
    rows_say(visit.page(f"/batches/{batch_id}/", viewport={"width": 390, "height": 844}), *rows)
    rows_say(visit.page(f"/batches/{batch_id}/", java_script_enabled=False), *rows)
    files = read_batch(visit.installation, batch_id, visit.token)["files"]
    assert {(file["folder"], file["filename"]) for file in files} == {
        ("Anna Andersson", NAME),
        ("Bo", NAME),
        ("Cilla", "Min text.txt"),
    }


def test_a_namesake_that_comes_or_goes_changes_the_other_row(visit: Visit) -> None:
    batch_id = register(visit.installation, visit.token, "Namesakes", 5)
    page = visit.page(f"/batches/{batch_id}/")
    watching = visit.tab(page.context, f"/batches/{batch_id}/")
    page.evaluate(DROP_FOLDER, [["Anna", NAME, essay(74)]])
    for each in (page, watching):
        rows_say(each, NAME)
    page.evaluate(DROP_FOLDER, [["Bo", NAME, ""]])
    for each in (page, watching):
        rows_say(each, f"Anna / {NAME}", f"Bo / {NAME}")
        expect(each.get_by_label(f"Replace file: Bo / {NAME}")).to_be_attached()
    page.get_by_role("button", name=f"Remove: Bo / {NAME}").click()
    for each in (page, watching):
        rows_say(each, NAME)


def test_a_chosen_folder_tells_the_same(visit: Visit, tmp_path: Path) -> None:
    batch_id = register(visit.installation, visit.token, "Chosen", 5)
    page = visit.page(f"/batches/{batch_id}/")
    for number, pupil in enumerate(("Örjan", "Åsa")):
        (tmp_path / "9C" / pupil).mkdir(parents=True)
        (tmp_path / "9C" / pupil / NAME).write_text(essay(75 + number))
    chooser = page.locator("[data-drop-zone] [multiple]")
    chooser.evaluate("(input) => input.toggleAttribute('webkitdirectory', true)")
    chooser.set_input_files(tmp_path / "9C")
    rows_say(page, f"Åsa / {NAME}", f"Örjan / {NAME}")
    wait_until(
        lambda: (
            {file["folder"] for file in read_batch(visit.installation, batch_id, visit.token)["files"]}
            == {"Åsa", "Örjan"}
        ),
        15,
        "both folders are kept",
    )
