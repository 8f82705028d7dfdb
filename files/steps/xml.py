"""XML of untrusted origin: streamed, without document types, entities or anything fetched."""

from collections.abc import Callable
from functools import lru_cache
from xml.parsers import expat

from huleedu.failures.errors import ErrorCode, StepError

Attributes = dict[str, str]

_OFFICE = "http://schemas.openxmlformats.org"
_STRICT = "http://purl.oclc.org/ooxml"
_PREFIXES = {
    f"{_OFFICE}/wordprocessingml/2006/main": "w",
    f"{_STRICT}/wordprocessingml/main": "w",
    f"{_OFFICE}/officeDocument/2006/relationships": "r",
    f"{_STRICT}/officeDocument/relationships": "r",
    f"{_OFFICE}/officeDocument/2006/math": "m",
    f"{_STRICT}/officeDocument/math": "m",
    f"{_OFFICE}/markup-compatibility/2006": "mc",
    f"{_OFFICE}/package/2006/relationships": "rel",
}


def parse(
    data: bytes,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
) -> None:
    """Stream a document to three handlers, names written as ``w:p``, ``other:name`` in unknown namespaces.

    Raises StepError CORRUPTED_FILE when it is malformed or declares a document type.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.StartElementHandler = lambda name, attributes: start(
        _short(name), {_short(key): value for key, value in attributes.items()}
    )
    parser.EndElementHandler = lambda name: end(_short(name))
    parser.CharacterDataHandler = text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="xml") from error


def _refuse_document_type(*_: object) -> None:
    raise StepError(ErrorCode.CORRUPTED_FILE, reason="document type declaration")


@lru_cache(maxsize=2048)
def _short(name: str) -> str:
    namespace, _, local = name.rpartition(" ")
    prefix = _PREFIXES.get(namespace, "other" if namespace else "")
    return f"{prefix}:{local}" if prefix else local
