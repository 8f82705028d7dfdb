"""A request as the web server has it: its head is understood, its body is bytes for the application."""

from daphne.http_protocol import WebRequest


class UnreadRequest(WebRequest):
    """Leaves the body to the application, which reads it bounded, in a thread of its own.

    Twisted would take every form apart by itself, to its last byte, in the thread that serves everybody:
    a few megabytes of empty lines kept all others waiting for seconds, from anybody and at any address, and
    a header it did not expect cut the connection off without an answer.
    """

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The whole request is here."""
        self.content.seek(0)
        self.args = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.process()
