"""A made-up format, whole: a mark, then the text backwards.

Only its words are not marked for translation, ``_("Mirror writing")``, or they would be asked for in Swedish.
"""

from files.steps.content import Content
from files.steps.format import Format, Limit, Signs
from huleedu.failures.errors import ErrorCode, StepError

MARK = b"\x89MIRROR\n"
MOST_BYTES = 1000


def read(data: bytes) -> Content:
    """The text, forwards. Raises StepError CONTENT_TOO_LONG."""
    if len(data) > MOST_BYTES:
        raise StepError(ErrorCode.CONTENT_TOO_LONG, bytes=len(data), maximum=MOST_BYTES)
    return Content(data.removeprefix(MARK).decode()[::-1], "mirror 1")


FORMAT = Format(
    name="mirror",
    endings=("mir",),
    signs=Signs(beginnings=(MARK,)),
    reader=__name__,
    label="Mirror writing",
    said="mirror writing",
    limits=(Limit("bytes of mirror writing", MOST_BYTES, ErrorCode.CONTENT_TOO_LONG),),
)
