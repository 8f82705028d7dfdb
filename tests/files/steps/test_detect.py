import random

import pytest

from files.steps.detect import detect, extension
from huleedu.failures.errors import ErrorCode, StepError
from tests.files.documents import ESSAY, SAMPLES, failure, pdf, word, zipped


@pytest.mark.parametrize(
    ("data", "filename", "expected"),
    [
        (ESSAY.encode(), "a.txt", "txt"),
        (b"# Rubrik\n\nText *med* vikt", "a.md", "txt"),
        (b"MZ is how this essay begins, and it is text all the same.", "a.txt", "txt"),
        (b"<script>alert(1)</script> is what I wrote about", "a.txt", "txt"),
        (b"   \n\t ", "blank.txt", "txt"),
        (word(ESSAY), "named.pdf", "docx"),
        (pdf([[ESSAY]]), "named.docx", "pdf"),
        (b"\n\n" + pdf([[ESSAY]]), "shifted.pdf", "pdf"),
    ],
)
def test_content_decides_not_the_name(data: bytes, filename: str, expected: str) -> None:
    assert detect(data, filename).name == expected


@pytest.mark.parametrize(
    ("data", "detected"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "png"),
        (b"{\\rtf1\\ansi hej}", "rtf"),
        (b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff", "exe"),
        (b"<!DOCTYPE html><html><body>hej</body></html>", "html"),
        (b"\xef\xbb\xbf \n<!-- a page --><HTML lang='sv'>", "html"),
        ("<?xml version='1.0'?><a/>".encode("utf-16"), "xml"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (zipped({"a.txt": "hej"}), "zip"),
        (zipped({"xl/workbook.xml": "<a/>"}), "xlsx"),
        (zipped({"Index/Document.iwa": "x"}), "pages"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "doc"),
        (b"\x00" * 200, "unknown"),
    ],
)
def test_unsupported_formats_are_named(data: bytes, detected: str) -> None:
    with pytest.raises(StepError) as error:
        detect(data, "essay.TXT")
    assert failure(error) is ErrorCode.UNSUPPORTED_FORMAT
    assert error.value.details == {"detected": detected, "extension": "txt"}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("length", [64, 1_000, 50_000])
def test_random_bytes_are_no_text(seed: int, length: int) -> None:
    data = random.Random(seed).randbytes(length)  # noqa: S311
    with pytest.raises(StepError) as error:
        detect(data, "essay.txt")
    assert failure(error) is ErrorCode.UNSUPPORTED_FORMAT


def test_no_bytes_have_no_content() -> None:
    with pytest.raises(StepError) as error:
        detect(b"", "essay.docx")
    assert failure(error) is ErrorCode.EMPTY_CONTENT


def test_office_file_with_a_password() -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(StepError) as error:
        detect(data, "essay.docx")
    assert failure(error) is ErrorCode.ENCRYPTED_FILE


def test_word_file_cut_short() -> None:
    with pytest.raises(StepError) as error:
        detect(word(ESSAY)[:5000], "essay.docx")
    assert failure(error) is ErrorCode.CORRUPTED_FILE


@pytest.mark.parametrize("name", ["sv", "en"])
@pytest.mark.parametrize(
    ("ending", "detected"),
    [
        ("soffice.odt", "odt"),
        ("pandoc.odt", "odt"),
        ("soffice.rtf", "rtf"),
        ("pandoc.rtf", "rtf"),
        ("soffice.doc", "doc"),
        ("soffice.html", "html"),
        ("scan.jpg", "jpeg"),
        ("pandoc.epub", "epub"),
    ],
)
def test_samples_not_supported(name: str, ending: str, detected: str) -> None:
    with pytest.raises(StepError) as error:
        detect((SAMPLES / f"{name}.{ending}").read_bytes(), f"{name}.{ending}")
    assert error.value.details["detected"] == detected


@pytest.mark.parametrize("name", ["sv", "en"])
def test_protected_word_samples(name: str) -> None:
    with pytest.raises(StepError) as error:
        detect((SAMPLES / f"{name}.password.docx").read_bytes(), "essay.docx")
    assert failure(error) is ErrorCode.ENCRYPTED_FILE


@pytest.mark.parametrize(
    ("filename", "expected"),
    [("a.DOCX", "docx"), ("a", ""), ("../x.t/y", ""), ("a.p d$f", "pdf"), ("a." + "x" * 99, "x" * 10)],
)
def test_extension_is_short_and_plain(filename: str, expected: str) -> None:
    assert extension(filename) == expected


@pytest.mark.parametrize("data", [word(ESSAY)[200:], pdf([[ESSAY]])[20:]], ids=["word", "pdf"])
def test_a_document_that_lost_its_beginning_is_damaged_whatever_it_is_called(data: bytes) -> None:
    with pytest.raises(StepError) as error:
        detect(b"\x00\x01" + data, "essay.txt")
    assert failure(error) is ErrorCode.CORRUPTED_FILE
    assert error.value.details["reason"] == "beginning"


def test_what_only_looks_a_little_like_a_damaged_document_is_none() -> None:
    """A ZIP of something else, and a text about PDF."""
    with pytest.raises(StepError) as error:
        detect(b"\x00\x01" + zipped({"pictures/one.txt": b"nothing"}), "pictures.bin")
    assert failure(error) is ErrorCode.UNSUPPORTED_FORMAT
    assert detect(b"Every object begins with 1 0 obj and ends with endobj.", "essay.txt").name == "txt"
