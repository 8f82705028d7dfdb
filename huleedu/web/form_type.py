"""The media type of a form as what reads forms knows it.

Capitals, and backslashes before what needs no quoting, are as good in HTTP as any other way to write it.
"""

from huleedu.http.header_parameters import parameters, unquoted

FORM = "multipart/form-data"
MOST_PARAMETERS = 20


def form_type(told: str) -> str:
    """``told``, with its boundary alone, when it is a form's; without one when it says none or two."""
    kind, _, rest = told.partition(";")
    if kind.strip().lower() != FORM:
        return told
    given = parameters(told) if rest.count(";") < MOST_PARAMETERS else []
    boundaries = {unquoted(value) for name, value in given if name == "boundary"}
    if len(boundaries) != 1:
        return FORM
    quoted = boundaries.pop().replace("\\", "\\\\").replace('"', '\\"')
    return f'{FORM}; boundary="{quoted}"'
