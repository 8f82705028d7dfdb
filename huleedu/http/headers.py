"""Headers that every answer has, whoever of us gives it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

UNUSED = (
    *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture"),
    *("encrypted-media", "fullscreen", "gamepad", "geolocation", "gyroscope", "hid", "idle-detection"),
    *("local-fonts", "magnetometer", "microphone", "midi", "payment", "picture-in-picture"),
    *("screen-wake-lock", "serial", "storage-access", "usb", "window-management", "xr-spatial-tracking"),
)
PAGES = ", ".join(f"{feature}=()" for feature in UNUSED)
OTHERS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
# Pages bring a Content-Security-Policy of their own; what else is opened as one loads and runs nothing.
FIXED = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": OTHERS,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# A style sheet or module is never a page by itself, and a page loads two dozen of them.
PARTS = ("text/css", "text/javascript")
FIXED_OF_PARTS = {name: FIXED[name] for name in ("Cross-Origin-Resource-Policy", "X-Content-Type-Options")}
FIXED_OF_PAGES = FIXED | {"Permissions-Policy": PAGES}


def fixed_for(content_type: str) -> dict[str, str]:
    """The headers of an answer of ``content_type``."""
    if content_type.startswith(PARTS):
        return FIXED_OF_PARTS
    return FIXED_OF_PAGES if content_type.startswith("text/html") else FIXED


class HeadersMiddleware:
    """Adds what an answer lacks, static files and failures included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in fixed_for(response.headers.get("Content-Type", "")).items():
            response.headers.setdefault(name, value)
        return response
