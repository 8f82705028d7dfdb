"""The parameters of a header as HTTP writes them: quoted, with backslashes before what is quoted, or bare.

The standard library's reader of mail takes a backslash that is quoted itself for one that quotes more.
"""

import re

SPACE = " \t\r\n"
PARAMETER = re.compile(
    r""";[ \t\r\n]*
    ([^=; \t\r\n]*)[ \t\r\n]*  # its name
    (?:=[ \t\r\n]*
       ("(?:[^"\\]|\\.)*"(?=[ \t\r\n]*(?:;|\Z))|[^;]*)  # its value; a quote in the middle of it is one
    )?[^;]*""",
    re.VERBOSE | re.DOTALL,
)
QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def parameters(header: str) -> list[tuple[str, str]]:
    """The names, in small letters, and the values as they are written, in order."""
    kind_ends = header.find(";")
    if kind_ends < 0:
        return []
    found = PARAMETER.finditer(header, kind_ends)
    return [(each[1].lower(), (each[2] or "").strip(SPACE)) for each in found if each[1]]


def unquoted(value: str) -> str:
    """What a value means, every quoted pair being its second character."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        return QUOTED_PAIR.sub(r"\1", value[1:-1])
    return value
