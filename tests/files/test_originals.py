"""Which originals a page shows: what the bytes show counts, not what a name says."""

from uuid import UUID

import pytest

from files.originals import CONTENT_TYPES, original_address, shown_kind
from tests.files.documents import pdf, word

HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (pdf([["A page"]]), "pdf"),
        (b"\xff\xd8\xff\xe0 picture", "jpeg"),
        (b"\x89PNG\r\n\x1a\n picture", "png"),
        (b"GIF89a picture", "gif"),
        (word("A paragraph"), ""),
        (HTML, ""),
        (SVG, ""),
        (b"%PDF of plain words", ""),
        (b"An essay on %PDF-1.7 in plain words", ""),
        (b"", ""),
    ],
)
def test_the_kind_is_what_the_bytes_show(data: bytes, kind: str) -> None:
    assert shown_kind(data) == kind


def test_no_page_is_ever_shown() -> None:
    assert not {"html", "svg", "xml", "txt"} & CONTENT_TYPES.keys()
    assert {kind.partition("/")[0] for kind in CONTENT_TYPES.values()} == {"application", "image"}


def test_what_is_shown_has_a_page_and_all_else_is_saved() -> None:
    upload = UUID(int=7)
    assert original_address(upload, "pdf").endswith("/original/")
    for kind in ("docx", "txt", None):
        assert original_address(upload, kind).endswith("/original/saved/")
