"""Formats that are recognised and not read, so that a teacher is told what was sent instead of an essay.

One that is to be read leaves this table for a file in ``files.steps.formats``. Where several would do, the
first is taken.
"""

from files.steps.format import Format, Signs
from files.steps.plain_text import is_printable


def is_program(data: bytes) -> bool:
    """Whether this is a Windows program: an essay may begin with the same two letters."""
    return data.startswith(b"MZ") and not is_printable(data)


NOT_READ = (
    Format(name="jpeg", endings=("jpg", "jpeg"), signs=Signs(beginnings=(b"\xff\xd8\xff",))),
    Format(name="png", endings=("png",), signs=Signs(beginnings=(b"\x89PNG\r\n\x1a\n",))),
    Format(name="gif", endings=("gif",), signs=Signs(beginnings=(b"GIF87a", b"GIF89a"))),
    Format(name="tiff", endings=("tif", "tiff"), signs=Signs(beginnings=(b"II*\0", b"MM\0*"))),
    Format(name="rtf", endings=("rtf",), signs=Signs(beginnings=(b"{\\rtf",))),
    Format(name="exe", endings=("exe",), signs=Signs(beginnings=(b"\x7fELF",), shown=is_program)),
    Format(name="rar", endings=("rar",), signs=Signs(beginnings=(b"Rar!\x1a\x07",))),
    Format(name="7z", endings=("7z",), signs=Signs(beginnings=(b"7z\xbc\xaf\x27\x1c",))),
    Format(name="gzip", endings=("gz",), signs=Signs(beginnings=(b"\x1f\x8b",))),
    Format(name="doc", endings=("doc",), signs=Signs(streams=("WordDocument",))),
    Format(name="xls", endings=("xls",), signs=Signs(streams=("Workbook",))),
    Format(name="ppt", endings=("ppt",), signs=Signs(streams=("PowerPoint Document",))),
    Format(name="ole", signs=Signs(streams=("",))),
    Format(name="xlsx", endings=("xlsx",), signs=Signs(members=("xl/",))),
    Format(name="pptx", endings=("pptx",), signs=Signs(members=("ppt/",))),
    Format(name="pages", endings=("pages",), signs=Signs(members=("Index/Document.iwa", "index.xml"))),
    Format(
        name="epub",
        endings=("epub",),
        signs=Signs(members=("META-INF/container.xml",), media_types=(b"epub+zip",)),
    ),
    Format(name="odt", endings=("odt",), signs=Signs(media_types=(b"vnd.oasis.opendocument.text",))),
    Format(name="opendocument", signs=Signs(media_types=(b"vnd.oasis",))),
    Format(name="zip", endings=("zip",), signs=Signs(members=("",))),
    Format(name="html", endings=("html", "htm"), signs=Signs(roots=("html",))),
    Format(name="svg", endings=("svg",), signs=Signs(roots=("svg",))),
    Format(name="xml", endings=("xml",), signs=Signs(roots=("?xml",))),
)
