"""A browser in front of a proxy with a certificate: it keeps cookies and follows redirects."""

import http.client
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

NAME = "huleedu.school.example"
MOST_REDIRECTS = 10


@dataclass
class Browser:
    """Asks the proxy as browsers do: keeps cookies, follows redirects; ``name`` is what somebody typed."""

    port: int
    trust: ssl.SSLContext
    name: str = NAME
    cookies: dict[str, str] = field(default_factory=dict)
    redirects: int = 0

    @property
    def host(self) -> str:
        """As in a Host header."""
        return f"{self.name}:{self.port}"

    def ask(self, method: str, path: str, body: bytes | str = b"", **told: str) -> tuple[int, str, str]:
        """Status, address of a redirect, and page."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.trust, timeout=20)
        headers = {name.replace("_", "-"): value for name, value in told.items()} | {"Host": self.host}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        page = answer.read().decode()
        connection.close()
        return answer.status, answer.headers.get("Location", ""), page

    def open(self, path: str) -> tuple[int, str]:
        """Status and page where redirects end, if they do."""
        for self.redirects in range(MOST_REDIRECTS):
            status, location, page = self.ask("GET", path)
            if status not in {301, 302}:
                return status, page
            assert urlsplit(location).scheme in {"", "https"}
            path = urlsplit(location).path
        raise AssertionError("redirected for ever")

    def sign_in(self, username: str, password: str) -> tuple[int, str]:
        """Status and page after the form was sent."""
        status, page = self.open("/accounts/login/")
        assert status == 200, page
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        form = urlencode({"username": username, "password": password, "csrfmiddlewaretoken": token})
        kind = "application/x-www-form-urlencoded"
        origin = f"https://{self.host}"
        status, _, page = self.ask("POST", "/accounts/login/", form, Content_Type=kind, Origin=origin)
        return status, page
