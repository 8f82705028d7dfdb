import pytest

from files.steps import pdf as step
from files.steps.formats.pdf import FORMAT
from files.steps.pdf_lines import Line, paragraphs
from huleedu.failures.errors import ErrorCode, StepError
from tests.files.documents import ESSAY, SAMPLES, failure, pdf, scanned_pdf

FULL = "Den här raden är så lång att den fyller hela sidans bredd från kant till kant"


def test_lines_become_paragraphs() -> None:
    content = step.read(pdf([[FULL, FULL, "och slutar här.", FULL, "Nytt.", "", "Sist."]]))
    assert content.text.split("\n\n") == [f"{FULL} {FULL} och slutar här.", f"{FULL} Nytt.", "Sist."]
    assert content.warnings == ()


def test_hyphens_at_line_ends() -> None:
    lines = [
        "Den här långa raden slutar med ett ord som blev avstav-",
        "at och den andra raden handlar om många glada 16-",
        "åringar i alla de många och vackra gamla EU-",
        "länderna.",
    ]
    text = step.read(pdf([lines])).text
    assert "avstavat" in text
    assert "16-åringar" in text
    assert "EU-länderna" in text


def test_pages_run_on_without_their_numbers() -> None:
    text = step.read(pdf([[FULL, "1"], ["fortsätter här.", "2"]])).text
    assert text == f"{FULL} fortsätter här."


def test_lines_without_places_are_kept() -> None:
    assert paragraphs([Line("ett", 0), Line("två", 0)]) == "ett två"
    assert paragraphs([]) == ""


def test_password_to_open() -> None:
    with pytest.raises(StepError) as error:
        step.read(pdf([[ESSAY]], password="secret", owner_password="owner"))
    assert failure(error) is ErrorCode.ENCRYPTED_FILE


def test_password_of_the_owner_only() -> None:
    assert step.read(pdf([[ESSAY]], password="", owner_password="owner")).text == ESSAY


def test_scan() -> None:
    with pytest.raises(StepError) as error:
        step.read(scanned_pdf())
    assert failure(error) is ErrorCode.NO_TEXT_LAYER


def test_page_without_anything_is_left_to_validation() -> None:
    assert step.read(pdf([[]])).text == ""


def test_number_of_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FORMAT.limits[0].most == 500
    monkeypatch.setattr(step, "MAXIMUM_PAGES", 3)
    step.read(pdf([[ESSAY]] * 3))
    with pytest.raises(StepError) as error:
        step.read(pdf([[ESSAY]] * 4))
    assert failure(error) is ErrorCode.CONTENT_TOO_LONG


def test_cut_at_every_step_is_never_a_success() -> None:
    whole = pdf([[ESSAY] * 30] * 3)
    for length in range(5, len(whole) - 8, 499):
        with pytest.raises(StepError) as error:
            step.read(whole[:length])
        assert failure(error) is ErrorCode.CORRUPTED_FILE


def test_header_with_nonsense() -> None:
    with pytest.raises(StepError) as error:
        step.read(b"%PDF-1.7\nnonsense\n%%EOF")
    assert failure(error) is ErrorCode.CORRUPTED_FILE


def test_repair_is_told() -> None:
    data = pdf([[ESSAY]])
    broken = data.replace(b"startxref\n", b"startxref\n9")
    assert step.read(broken).warnings == (step.REPAIRED,)


@pytest.mark.parametrize("name", ["sv", "en"])
@pytest.mark.parametrize(
    ("kind", "code"), [("password", ErrorCode.ENCRYPTED_FILE), ("scan", ErrorCode.NO_TEXT_LAYER)]
)
def test_samples_without_readable_text(name: str, kind: str, code: ErrorCode) -> None:
    with pytest.raises(StepError) as error:
        step.read((SAMPLES / f"{name}.{kind}.pdf").read_bytes())
    assert failure(error) is code
