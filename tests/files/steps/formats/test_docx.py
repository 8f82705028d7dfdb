import io
import zipfile

import docx
import pytest

from files.steps import package
from files.steps.formats import docx as step
from files.steps.word_text import EMBEDDED_DOCUMENT, HIDDEN_TEXT, TRACKED_CHANGES
from huleedu.failures.errors import ErrorCode, StepError
from tests.files.documents import ESSAY, failure, paragraph, part, raw_word, run, word, zipped


def text(body: str, **parts: str) -> str:
    return step.read(raw_word(body, parts)).text


def test_paragraphs_and_tables_in_their_order() -> None:
    document = docx.Document()
    document.add_paragraph("Före")
    table = document.add_table(rows=2, cols=2)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = f"ruta {number}"
    document.add_paragraph("Efter")
    document.sections[0].header.paragraphs[0].text = "Sidhuvud"
    document.sections[0].footer.paragraphs[0].text = "Sidfot"
    stream = io.BytesIO()
    document.save(stream)
    content = step.read(stream.getvalue())
    assert content.text.split("\n\n") == [
        *("Sidhuvud", "Före", "ruta 0", "ruta 1", "ruta 2", "ruta 3", "Efter", "Sidfot")
    ]
    assert content.warnings == ()


def test_tabs_breaks_hyphens_and_character_references() -> None:
    body = paragraph(
        "<w:pPr><w:tabs><w:tab w:val='left'/></w:tabs></w:pPr>"
        "<w:r><w:t>don&apos;t</w:t><w:tab/><w:t>a</w:t><w:br/><w:t>b</w:t><w:noBreakHyphen/>"
        "<w:t>c</w:t><w:softHyphen/><w:t>d</w:t><w:sym w:font='Symbol' w:char='00e5'/>"
        "<w:sym w:font='Wingdings' w:char='F04A'/></w:r>"
    )
    assert text(body) == "don't\ta\nb-cdå"


def test_insertions_are_text_and_deletions_are_not() -> None:
    body = paragraph(
        run("ett ")
        + "<w:ins w:id='1'>" + run("nytt ") + "</w:ins>"
        + "<w:del w:id='2'><w:r><w:delText>gammalt</w:delText><w:t>gammalt</w:t></w:r></w:del>"
        + "<w:moveFrom w:id='3'>" + run("härifrån") + "</w:moveFrom>"
        + "<w:moveTo w:id='4'>" + run("hit") + "</w:moveTo>"
    )  # fmt: skip
    content = step.read(raw_word(body))
    assert content.text == "ett nytt hit"
    assert content.warnings == (TRACKED_CHANGES,)


def test_deleted_paragraph_mark_joins_paragraphs() -> None:
    first = paragraph("<w:pPr><w:rPr><w:del w:id='1'/></w:rPr></w:pPr>" + run("av"))
    assert text(first + paragraph(run("stava"))) == "avstava"
    assert text(first) == "av"


def test_hidden_text_is_left_out_and_told() -> None:
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>dolt</w:t></w:r>"
    shown = "<w:r><w:rPr><w:vanish w:val='false'/></w:rPr><w:t>synligt</w:t></w:r>"
    content = step.read(raw_word(paragraph(hidden + shown)))
    assert content.text == "synligt"
    assert content.warnings == (HIDDEN_TEXT,)


def test_text_box_comes_once_after_its_paragraph() -> None:
    box = f"<w:txbxContent>{paragraph(run('i rutan'))}</w:txbxContent>"
    alternatives = (
        f"<mc:AlternateContent><mc:Choice Requires='wps'>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    )
    body = paragraph(run("före ") + f"<w:r>{alternatives}</w:r>" + run("efter"))
    assert text(body + paragraph(run("sist"))) == "före efter\n\ni rutan\n\nsist"


def test_fallback_is_taken_when_there_is_no_choice() -> None:
    fallback = f"<mc:AlternateContent><mc:Fallback>{run('reserv')}</mc:Fallback></mc:AlternateContent>"
    assert text(paragraph(fallback)) == "reserv"


def test_content_controls_and_their_placeholders() -> None:
    filled = f"<w:sdt><w:sdtPr/><w:sdtContent>{paragraph(run('ifyllt'))}</w:sdtContent></w:sdt>"
    empty = (
        "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr>"
        f"<w:sdtContent>{paragraph(run('Klicka här'))}</w:sdtContent></w:sdt>"
    )
    assert text(empty + filled) == "ifyllt"


def test_links_are_text_but_page_numbers_are_not() -> None:
    begin, separate, end = (
        f"<w:r><w:fldChar w:fldCharType='{kind}'/></w:r>" for kind in ("begin", "separate", "end")
    )
    page = f"{begin}<w:r><w:instrText> PAGE </w:instrText></w:r>{separate}{run('7')}{end}"
    link = f"<w:hyperlink r:id='x'>{run('länk')}</w:hyperlink>"
    simple = f"<w:fldSimple w:instr='NUMPAGES'>{run('9')}</w:fldSimple>"
    assert text(paragraph(run("sida ") + page + simple + link)) == "sida länk"


def test_headers_once_and_notes_at_the_end() -> None:
    references = "".join(
        f"<w:{kind}Reference r:id='{kind}{number}'/>" for kind in ("header", "footer") for number in (1, 2)
    )
    body = paragraph(run("text")) + f"<w:sectPr>{references}</w:sectPr>"
    shared = {
        f"{kind}{number}": part("hdr", paragraph(run(kind)))
        for kind in ("header", "footer")
        for number in (1, 2)
    }
    notes = {
        "footnotes": part("footnotes", f"<w:footnote>{paragraph(run('fotnot'))}</w:footnote>"),
        "endnotes": part("endnotes", f"<w:endnote>{paragraph(run('slutnot'))}</w:endnote>"),
    }
    assert text(body, **shared, **notes) == "header\n\ntext\n\nfotnot\n\nslutnot\n\nfooter"


def test_embedded_document_is_told() -> None:
    assert step.read(raw_word("<w:altChunk r:id='x'/>" + paragraph(run("a")))).warnings == (
        EMBEDDED_DOCUMENT,
    )


def test_strict_variant_of_the_format() -> None:
    with zipfile.ZipFile(io.BytesIO(raw_word(paragraph(run("strikt"))))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    transitional = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    members["word/document.xml"] = members["word/document.xml"].replace(
        transitional, b"http://purl.oclc.org/ooxml/wordprocessingml/main"
    )
    assert step.read(zipped(members)).text == "strikt"


def test_deeply_nested_tables() -> None:
    body = paragraph(run(ESSAY))
    for _ in range(500):
        body = f"<w:tbl><w:tr><w:tc>{body}</w:tc></w:tr></w:tbl>"
    assert text(body) == ESSAY


def test_external_parts_are_not_followed() -> None:
    data = raw_word(paragraph(run("a")) + "<w:sectPr><w:headerReference r:id='header1'/></w:sectPr>")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["word/_rels/document.xml.rels"] = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="header1" Type="x/header" TargetMode="External" Target="file:///etc/passwd"/>'
        b"</Relationships>"
    )
    assert step.read(zipped(members)).text == "a"


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
def test_document_types_are_refused(declaration: str) -> None:
    document = declaration + part("document", "<w:body/>").partition("?>")[2]
    with pytest.raises(StepError) as error:
        step.read(zipped({"word/document.xml": document}))
    assert failure(error) is ErrorCode.CORRUPTED_FILE


@pytest.mark.parametrize(
    "members",
    [
        {"word/styles.xml": "<a/>"},
        {"word/document.xml": "<w:document"},
        {"word/document.xml": "<a>" * 10},
        {"word/document.xml": "<?xml version='1.0' encoding='nonsense'?><a/>"},
        {"word/document.xml": ""},
    ],
)
def test_damaged_parts(members: dict[str, str]) -> None:
    with pytest.raises(StepError) as error:
        step.read(zipped(members))
    assert failure(error) is ErrorCode.CORRUPTED_FILE


def test_cut_at_every_step_is_never_a_success() -> None:
    whole = word(*[ESSAY] * 50)
    for length in range(4, len(whole) - 1, 997):
        with pytest.raises(StepError) as error:
            step.read(whole[:length])
        assert failure(error) is ErrorCode.CORRUPTED_FILE


def test_flipped_bytes_are_never_a_wrong_text() -> None:
    whole = bytearray(raw_word(paragraph(run(ESSAY * 20))))
    start = whole.find(b"word/document.xml") + 40
    whole[start : start + 8] = b"\xff" * 8
    with pytest.raises(StepError) as error:
        step.read(bytes(whole))
    assert failure(error) is ErrorCode.CORRUPTED_FILE


def test_encrypted_member() -> None:
    data = bytearray(raw_word(paragraph(run("a"))))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(signature)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(signature, place + 4)
    with pytest.raises(StepError) as error:
        step.read(bytes(data))
    assert failure(error) is ErrorCode.ENCRYPTED_FILE


def test_part_that_declares_too_much() -> None:
    bomb = zipped({"word/document.xml": b" " * (package.MAXIMUM_MEMBER_BYTES + 1)})
    with pytest.raises(StepError) as error:
        step.read(bomb)
    assert failure(error) is ErrorCode.ARCHIVE_LIMIT


def test_total_and_number_of_members(monkeypatch: pytest.MonkeyPatch) -> None:
    data = word(ESSAY)
    monkeypatch.setattr(package, "MAXIMUM_TOTAL_BYTES", 1_000)
    with pytest.raises(StepError) as error:
        step.read(data)
    assert failure(error) is ErrorCode.ARCHIVE_LIMIT
    monkeypatch.undo()
    monkeypatch.setattr(package, "MAXIMUM_MEMBERS", 3)
    with pytest.raises(StepError) as error:
        step.read(data)
    assert failure(error) is ErrorCode.ARCHIVE_LIMIT


def test_sizes_that_lie() -> None:
    data = bytearray(raw_word(paragraph(run("a" * 5000))))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo("word/document.xml").file_size.to_bytes(4, "little")
    data = bytearray(bytes(data).replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(StepError) as error:
        step.read(bytes(data))
    assert failure(error) is ErrorCode.CORRUPTED_FILE


def test_macros_are_told() -> None:
    with zipfile.ZipFile(io.BytesIO(raw_word(paragraph(run("a"))))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    content = step.read(zipped({**members, "word/vbaProject.bin": b"x"}))
    assert (content.text, content.warnings) == ("a", (step.MACROS,))
