"""What teachers print: all of it is on the paper, nothing that is pressed, and no page with a title alone."""

import io

import pypdfium2
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import Showcase, essay, fill, register

pytestmark = [pytest.mark.browser, pytest.mark.live]
TITLE = "My summer, told by an object that has been in the family longer than anybody remembers"


def printed(page: Page) -> list[str]:
    """The text of each sheet of A4, within its edges."""
    document = pypdfium2.PdfDocument(page.pdf(format="A4"))
    sheets = [document[number].get_textpage() for number in range(len(document))]
    return [" ".join(sheet.get_text_bounded().split()) for sheet in sheets]


@pytest.mark.parametrize("place", ["essays", "results"])
def test_the_table_has_all_its_columns(visit: Visit, showcase: Showcase, place: str) -> None:
    page = visit.page(f"/batches/{showcase.done}/{place}/")
    expect(page.locator("#rows .chip-done").first).to_be_visible()
    text = " ".join(printed(page))
    for words in ("Marks per 100 words", "Language", "Your note", "State", "Checked"):
        assert words in text
    for pressed in ("Export", "Add essays", "Columns", "Find"):
        assert pressed not in text


def test_exports_are_listed_without_what_makes_them(visit: Visit, showcase: Showcase) -> None:
    first, *_ = printed(visit.page(f"/batches/{showcase.done}/exports/"))
    assert "PDF of each essay" in first
    assert "Feedback for Canvas" not in first


def test_marks_of_a_kind_begin_on_the_first_sheet(visit: Visit, showcase: Showcase) -> None:
    first, *_ = printed(visit.page(f"/batches/{showcase.done}/marks/order/"))
    assert "becuase" in first


def test_the_overview_has_whole_titles(visit: Visit) -> None:
    batch_id = register(visit.installation, visit.token, TITLE, 4)
    fill(visit.installation, visit.token, batch_id, {"A.txt": essay(9_100).encode(), "B.txt": b""})
    text = " ".join(printed(visit.page("/")))
    assert TITLE in text
    assert "Archive" not in text


def test_in_forced_colours_progress_is_seen_and_files_without_a_problem_look_so(
    visit: Visit, showcase: Showcase
) -> None:
    page = visit.page("/", forced_colors="active")
    bar = Image.open(io.BytesIO(page.locator(f"#card-{showcase.open} progress").screenshot()))
    done, ahead = (bar.getpixel((bar.width * part // 100, bar.height // 2)) for part in (15, 85))
    assert done != ahead
    page.goto(f"/batches/{showcase.done}/")
    row = page.locator(".file-row:not([data-trouble])").first
    edge, behind = row.evaluate(
        "row => [getComputedStyle(row).borderLeftColor, getComputedStyle(document.body).backgroundColor]"
    )
    assert edge in (behind, "rgb(255, 255, 255)")
