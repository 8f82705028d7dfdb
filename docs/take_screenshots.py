"""Take the pictures of the README and of the help page, of a fresh installation with the demo.

Whoever changes how a page looks runs it: ``python docs/take_screenshots.py``.

Needs what the tests need, and Chromium (``CHROMIUM``, else /usr/bin/chromium). Writes ``docs/screens/*.png``
and ``huleedu/static/huleedu/help/*.png``.
"""

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import docx
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, Route, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.installation import Installation, running  # noqa: E402  (the project is not installed)

SCREENS = ROOT / "docs" / "screens"
HELP = ROOT / "huleedu" / "static" / "huleedu" / "help"
ESSAYS = ROOT / "docs" / "demo_essays" / "en"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"]
DESKTOP: ViewportSize = {"width": 1280, "height": 1000}
LOW: ViewportSize = {"width": 1280, "height": 560}
PHONE: ViewportSize = {"width": 390, "height": 844}
COLOURS = 256
HELP_SIZE: ViewportSize = {"width": 960, "height": 600}  # as ``huleedu.templatetags.interface`` says, too
BELOW_THE_HEADER = 76  # CSS pixels
LOCALES = {"en": "en-GB", "sv": "sv-SE"}
PUPILS = [
    "Alma Berg",
    "Elias Nyström",
    "Hugo Lund",
    "Freja Lindqvist",
    "Liam Holm",
    "Saga Åberg",
    "Noah Forsberg",
    "Ella Wikström",
    "Oliver Ekdahl",
    "Maja Sjöholm",
    "Leila Hassan",
    "Viggo Strand",
    "Astrid Blom",
    "Theo Lundin",
    "Nora Öhman",
    "Isak Palm",
    "Signe Dahlgren",
    "Tuva Hedlund",
    "Melker Frisk",
    "Stina Hallberg",
    "Ines Marklund",
    "Sixten Brandt",
    "Zeynep Aydin",
]
SENT_FIRST = 17  # files, at least, that arrive before the picture of a batch at work
UNUSABLE = 2  # of them


def handed_in() -> list[FilePayload]:
    """A class's files: two that cannot be used, then an essay of each pupil, in Word or plain text."""
    texts = [path.read_text() for path in sorted(ESSAYS.iterdir())]
    files: list[FilePayload] = [
        {"name": "Adam_Rahimi_essay.pages", "mimeType": "", "buffer": b"PK\x03\x04 a format of one maker"},
        {"name": "Wilma Sandberg – School phones.txt", "mimeType": "text/plain", "buffer": b""},
    ]
    for number, pupil in enumerate(PUPILS):
        paragraphs = texts[number % len(texts)].split("\n\n")
        left_out = number % (2 * len(paragraphs))
        kept = [f"{pupil}, 9B", *paragraphs[:left_out], *paragraphs[left_out + 1 :]]
        word = number % 3 > 0
        name = f"{pupil} – School phones.{'docx' if word else 'txt'}"
        data = word_file(kept) if word else "\n\n".join(kept).encode()
        files.append({"name": name, "mimeType": "", "buffer": data})
    return files


def word_file(paragraphs: list[str]) -> bytes:
    """A Word document."""
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def save(page: Page, name: str, folder: Path = SCREENS) -> None:
    """Write the visible part of ``page`` with few colours, which keeps it small."""
    folder.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        folder / f"{name}.png", optimize=True
    )


def fill_with_demo(installation: Installation) -> None:
    """The sample batches of ``make demo``."""
    environment = os.environ | {"HULEEDU_VAR": str(installation.var), "HULEEDU_PORT": str(installation.port)}
    subprocess.run([sys.executable, "manage.py", "demo"], cwd=ROOT, env=environment, check=True)


def sign_in(browser: Browser, installation: Installation, **options: Any) -> Page:
    """A page of the signed-in teacher, at the overview."""
    settings = {"base_url": installation.url, "locale": LOCALES["en"], "reduced_motion": "reduce"}
    page = browser.new_context(**(settings | options)).new_page()
    username, password = installation.accounts["teacher"]
    page.goto("/")
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(password)
    page.locator("main form button").click()
    expect(page.locator(".batch-list")).to_be_visible()
    return page


def picture_of_work(page: Page) -> None:
    """A batch while its files arrive: the connection stands still for a moment."""
    held: list[Route] = []
    sent: list[int] = []
    most = [SENT_FIRST]

    def hold(route: Route) -> None:
        if sum(sent) < most[0]:
            sent.append((route.request.post_data_buffer or b"").count(b'name="files"'))
            route.continue_()
        else:
            held.append(route)

    page.route("**/v1/files/batch", hold)
    page.locator("[data-drop-zone] [multiple]").set_input_files(handed_in())
    ready = page.locator("[data-count=ready]").first
    page.wait_for_function(
        "(least) => Number(document.querySelector('[data-count=ready]').textContent) >= least",
        arg=SENT_FIRST - UNUSABLE,
        timeout=60_000,
    )
    expect(ready).to_have_text(str(sum(sent) - UNUSABLE), timeout=60_000)
    save(page, "batch")
    most[0] = sum(sent) + len(PUPILS)
    for route in held:
        route.continue_()
    expect(ready).to_have_text(str(len(PUPILS)), timeout=60_000)


def take_all(browser: Browser, installation: Installation) -> None:
    """Every picture."""
    page = sign_in(browser, installation, viewport=DESKTOP)
    body = {"expected_essay_count": 28, "title": "School phones: for or against", "class_name": "9B"}
    made = installation.post("/v1/batches/register", body | {"language": "en"}, installation.token())
    address = f"/batches/{made.body['batch_id']}/"
    page.goto(address)
    picture_of_work(page)
    page.goto("/")
    page.set_viewport_size(LOW)
    save(page, "overview")
    page.set_viewport_size(DESKTOP)
    page.goto(f"{address}essays/5/")
    page.locator("mark").nth(1).click()
    save(page, "essay")
    page.goto(f"{address}results/")
    save(page, "results")
    phone = sign_in(
        browser, installation, viewport=PHONE, color_scheme="dark", device_scale_factor=2, has_touch=True
    )
    phone.goto(address)
    expect(phone.locator("[data-live]")).to_have_text("Live")
    phone.locator(".list-tools").scroll_into_view_if_needed()
    save(phone, "phone")


def show_from(page: Page, selector: str) -> None:
    """Scroll until the part is the first below the header."""
    page.locator(selector).first.evaluate(
        "(part, above) => scrollTo(0, part.getBoundingClientRect().top + scrollY - above)", BELOW_THE_HEADER
    )


def batch_in_swedish(installation: Installation) -> str:
    """The demo's, with two files that cannot be used."""
    demo = installation.get("/v1/batches", installation.token()).body["results"]
    (found,) = [batch["batch_id"] for batch in demo if batch["language"] == "sv"]
    return str(found)


def batch_in_english(installation: Installation) -> str:
    """A small one, with two files that cannot be used."""
    token = installation.token()
    body = {"expected_essay_count": 4, "title": "School phones: for or against", "class_name": "9B"}
    made = installation.post("/v1/batches/register", body | {"language": "en"}, token).body["batch_id"]
    for file in handed_in()[:6]:
        installation.upload_until_answered(made, token, file["name"], file["buffer"])
    return str(made)


def take_for_help(browser: Browser, installation: Installation, language: str, batch_id: str) -> None:
    """The pictures of the help page in one language, of a batch whose essays are in it."""
    page = sign_in(browser, installation, viewport=HELP_SIZE, locale=LOCALES[language])
    address = f"/batches/{batch_id}/"
    page.goto(address)
    expect(page.locator("[data-status-chip^=completed]").locator("visible=true")).to_be_visible(
        timeout=60_000
    )
    expect(page.locator("[data-live]")).to_have_text({"en": "Live", "sv": "Direkt"}[language])
    show_from(page, ".list-tools")
    save(page, f"batch-{language}", HELP)
    page.goto(f"{address}essays/1/")
    show_from(page, ".sheet-head")
    page.locator("mark").nth(1).click()
    save(page, f"essay-{language}", HELP)
    page.goto(f"{address}results/")
    show_from(page, ".tabs")
    save(page, f"results-{language}", HELP)


def main() -> None:
    """Start, fill, photograph, stop."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as installation:
        fill_with_demo(installation)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            take_for_help(browser, installation, "sv", batch_in_swedish(installation))
            take_for_help(browser, installation, "en", batch_in_english(installation))
            take_all(browser, installation)
            browser.close()


if __name__ == "__main__":
    main()
