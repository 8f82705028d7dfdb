"""Formats that are recognised and not read, so that a teacher is told what was sent instead of an essay.

One that is to be read leaves this table for a file in ``files.steps.formats``. Where several would do, the
first is taken.
"""

from files.steps.format import Format, Signs
from files.steps.format import for_translation as _
from files.steps.plain_text import is_printable


def is_program(data: bytes) -> bool:
    """Whether this is a Windows program: an essay may begin with the same two letters."""
    return data.startswith(b"MZ") and not is_printable(data)


NOT_READ = (
    Format(
        name="jpeg",
        label=_("Picture (JPEG)"),
        endings=("jpg", "jpeg"),
        signs=Signs(beginnings=(b"\xff\xd8\xff",)),
    ),
    Format(
        name="png",
        label=_("Picture (PNG)"),
        endings=("png",),
        signs=Signs(beginnings=(b"\x89PNG\r\n\x1a\n",)),
    ),
    Format(
        name="gif", label=_("Picture (GIF)"), endings=("gif",), signs=Signs(beginnings=(b"GIF87a", b"GIF89a"))
    ),
    Format(
        name="tiff",
        label=_("Picture (TIFF)"),
        endings=("tif", "tiff"),
        signs=Signs(beginnings=(b"II*\0", b"MM\0*")),
    ),
    Format(
        name="rtf",
        label=_("Rich text (.rtf)"),
        endings=("rtf",),
        signs=Signs(beginnings=(b"{\\rtf",)),
    ),
    Format(
        name="exe",
        label=_("Program"),
        endings=("exe",),
        signs=Signs(beginnings=(b"\x7fELF",), shown=is_program),
    ),
    Format(
        name="rar", label=_("Archive (.rar)"), endings=("rar",), signs=Signs(beginnings=(b"Rar!\x1a\x07",))
    ),
    Format(
        name="7z", label=_("Archive (.7z)"), endings=("7z",), signs=Signs(beginnings=(b"7z\xbc\xaf\x27\x1c",))
    ),
    Format(
        name="gzip",
        label=_("Archive (.gz)"),
        endings=("gz",),
        signs=Signs(beginnings=(b"\x1f\x8b",)),
    ),
    Format(
        name="doc", label=_("Older Word (.doc)"), endings=("doc",), signs=Signs(streams=("WordDocument",))
    ),
    Format(
        name="xls",
        label=_("Older Excel (.xls)"),
        endings=("xls",),
        signs=Signs(streams=("Workbook",)),
    ),
    Format(
        name="ppt",
        label=_("Older PowerPoint (.ppt)"),
        endings=("ppt",),
        signs=Signs(streams=("PowerPoint Document",)),
    ),
    Format(
        name="ole",
        label=_("Older Office file"),
        signs=Signs(streams=("",)),
    ),
    Format(
        name="xlsx",
        label="Excel (.xlsx)",
        endings=("xlsx",),
        signs=Signs(members=("xl/",)),
    ),
    Format(
        name="pptx",
        label="PowerPoint (.pptx)",
        endings=("pptx",),
        signs=Signs(members=("ppt/",)),
    ),
    Format(
        name="pages",
        label="Pages (.pages)",
        endings=("pages",),
        signs=Signs(members=("Index/Document.iwa", "index.xml")),
    ),
    Format(
        name="epub",
        label=_("E-book (.epub)"),
        endings=("epub",),
        signs=Signs(members=("META-INF/container.xml",), media_types=(b"epub+zip",)),
    ),
    Format(
        name="odt",
        label="OpenDocument (.odt)",
        endings=("odt",),
        signs=Signs(media_types=(b"vnd.oasis.opendocument.text",)),
    ),
    Format(
        name="opendocument",
        label="OpenDocument",
        signs=Signs(media_types=(b"vnd.oasis",)),
    ),
    Format(
        name="zip",
        label=_("Archive (.zip)"),
        endings=("zip",),
        signs=Signs(members=("",)),
    ),
    Format(
        name="html",
        label=_("Web page (.html)"),
        endings=("html", "htm"),
        signs=Signs(roots=("html",)),
    ),
    Format(
        name="svg",
        label=_("Drawing (.svg)"),
        endings=("svg",),
        signs=Signs(roots=("svg",)),
    ),
    Format(
        name="xml",
        label="XML",
        endings=("xml",),
        signs=Signs(roots=("?xml",)),
    ),
)
