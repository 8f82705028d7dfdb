"""Every page in both languages, without script, with hostile words, and within the content policy."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, state_of
from tests.browser.material import HOSTILE, Showcase, essay, register, text_file

pytestmark = [pytest.mark.browser, pytest.mark.live]

SENTENCES = """() => {
  const found = new Set();
  const take = (text) => text && /[a-zåäö]{2}/i.test(text) && found.add(text.trim().replace(/\\s+/g, " "));
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const holder = walker.currentNode.parentElement;
    if (!holder.closest("script, template, code, [lang]:not(html), .file-name, .file-kind, .batch-card h2"))
      take(walker.currentNode.textContent);
  }
  for (const element of document.querySelectorAll("[aria-label], [placeholder]")) {
    if (element.closest("[lang]:not(html)")) continue;
    take((element.getAttribute("aria-label") || "").split(":")[0]);
    take(element.getAttribute("placeholder"));
  }
  return [...found, document.title.split(" · ")[0]];
}"""
# Names, what people wrote themselves, and words that are the same in both languages.
SAME = re.compile(
    r"HuleEdu( [\d.]+)?|teacher|TE|API|PDF|CSV|Excel|Chrome, Linux|Word \(\.docx\)|TXT|DOCX"
    r"|Nothing yet|(· )?Median:?|Ctrl|recieve|School phones: for or against|Svenska|English|Signed in as .*"
    r"|(Empty|Copy|Two|Three|Essay \d+)\.txt|Egil\.pages|Two\.docx|[\d.,]+ KB|<script>.*|\d+ ord.*",
    re.S,
)


def settle(page: Page) -> None:
    """Wait until the page's script has drawn."""
    if page.locator("[data-live]").count():
        expect(page.locator("[data-live]")).not_to_have_attribute("data-state", "connecting")


@pytest.mark.timeout(300)  # every page, twice
def test_no_english_is_left_in_swedish(visit: Visit, showcase: Showcase) -> None:
    english, swedish = visit.page(), visit.page(locale="sv-SE")
    left: dict[str, list[str]] = {}
    for path in [*showcase.pages(), "/nowhere/"]:
        visit.expected = ("404",) if path == "/nowhere/" else ()
        texts = []
        for page in (english, swedish):
            page.goto(path)
            settle(page)
            texts.append({text for text in page.evaluate(SENTENCES) if not SAME.fullmatch(text)})
        assert len(texts[0]) > 5, path
        same = sorted(texts[0] & texts[1])
        if same:
            left[path] = same
    assert left == {}, left


def test_the_language_can_be_changed_on_every_page(visit: Visit) -> None:
    page = visit.page("/help/", signed_in=False)
    page.get_by_role("button", name="SV, svenska").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hjälp")
    page.goto("/accounts/login/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Logga in")


def test_markup_in_names_titles_and_essays_is_shown_as_written(visit: Visit, showcase: Showcase) -> None:
    page = visit.page("/")
    expect(page.locator(".batch-card h2").filter(has_text="{{7*7}}").first).to_have_text(HOSTILE)
    for path in [path for path in showcase.pages() if showcase.done in path]:
        page.goto(path)
        settle(page)
        if not path.endswith(("/keeping/", "/removed/")):  # they are called otherwise
            expect(page.locator("h1")).to_have_text(HOSTILE)
        expect(page.locator("main")).to_contain_text(HOSTILE)
        assert (
            page.locator("main img, main b[hx-get], main script:not([type='application/json'])").count() == 0
        )
    page.goto(f"/batches/{showcase.done}/essays/1/")
    expect(page.locator(".essay-text")).to_contain_text(HOSTILE)
    expect(page.locator(".sheet-head")).to_contain_text(f"{HOSTILE}.txt")


def test_markup_in_a_live_row_is_shown_as_written(visit: Visit) -> None:
    batch_id = register(visit.installation, visit.token, HOSTILE, 3)
    page = visit.page(f"/batches/{batch_id}/")
    page.locator("[data-drop-zone] [multiple]").set_input_files(text_file(f"{HOSTILE}.txt", ""))
    expect(page.locator(".file-row")).to_contain_text("No text found")
    expect(page.locator(".file-name")).to_have_text(f"{HOSTILE}.txt")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".toast")).to_contain_text(f"Removed {HOSTILE}.txt.")


def test_support_pages_keep_the_content_policy(visit: Visit, showcase: Showcase) -> None:
    state = state_of(visit.browser, visit.installation, "support")
    page = visit.page("/admin/", storage_state=state)
    links = [link.get_attribute("href") or "" for link in page.locator("#content-main th a").all()]
    assert len(links) > 5
    for path in links:
        page.goto(path)
        expect(page.locator("#content h1")).to_be_visible()
    page.goto("/admin/files/fileupload/")
    page.locator("#result_list th a").first.click()
    expect(page.locator("#content h1")).to_be_visible()


def test_pages_for_what_is_missing_or_refused(visit: Visit) -> None:
    visit.expected = ("404", "403")
    page = visit.page("/batches/00000000-0000-0000-0000-000000000000/")
    expect(page.locator("h1")).to_have_text("This page isn’t here")
    page.goto("/batches/new/")
    page.evaluate("document.querySelector('main [name=csrfmiddlewaretoken]').value = 'x'")
    page.get_by_label("Number of essays").fill("3")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("h1")).to_have_text("The page was open too long")


def test_everything_works_without_script(visit: Visit) -> None:
    page = visit.page("/", java_script_enabled=False)
    page.locator(".page-head a.button").click()
    page.get_by_label("Assignment").fill("Without script")
    page.get_by_label("Number of essays").fill("2")
    page.get_by_role("button", name="Create and add files").click()
    expect(page.locator("[data-drop-zone]")).to_be_hidden()
    files = [text_file("one.txt", essay(201)), text_file("empty.txt", "")]
    page.get_by_label("Add essays").set_input_files(files)
    page.get_by_role("button", name="Send").first.click()
    expect(page.locator(".messages")).to_have_text(re.compile("2 files have arrived"))
    read_until(page, "empty.txt", "No text found")
    troubled = page.locator(".file-row", has_text="empty.txt")
    troubled.locator("input[type=file]").set_input_files(files[:1])
    troubled.get_by_role("button", name="Send").click()
    read_until(page, "one.txt", "The same file is already here")
    page.locator("[data-trouble]").get_by_role("button", name="Remove").click()
    expect(page.locator(".messages")).to_contain_text("Removed one.txt.")
    page.get_by_role("link", name="To the batch").click()  # from where it could be brought back
    page.get_by_role("button", name="Start with the 1 essay that is here").click()
    expect(page.locator(".messages")).to_have_text("The batch has started.")
    page.get_by_role("link", name="Essay 1").click()
    expect(page.locator(".essay-text")).to_contain_text("This is essay number 201.")


def read_until(page: Page, name: str, words: str) -> None:
    """Load the page again, as one does without script, until the file's row says ``words``."""
    for _ in range(50):
        if page.locator(".file-row", has_text=name).filter(has_text=words).count():
            return
        page.wait_for_timeout(200)
        page.reload()
    expect(page.locator(".file-row", has_text=name).filter(has_text=words)).to_be_visible()
