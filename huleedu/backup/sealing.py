"""Encrypted files in the age format (age-encryption.org), written and read as streams.

Whoever writes needs the public key alone. Each piece of 64 KiB is authenticated, and so is where the last one
ends: changed or cut files raise ``Damaged``. ``age`` itself opens them, too.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pyrage

MAGIC = b"age-encryption.org/v1\n"
PUBLIC, SECRET = "age1", "AGE-SECRET-KEY-1"
PIPE_BYTES = 1024 * 1024


class WrongKey(Exception):
    """A file that should hold a key holds none that helps; the message says which and why."""


class Damaged(Exception):
    """The bytes are not what was written, or end too early."""


@dataclass
class Errors:
    """What the other end of a pipe met with."""

    found: list[BaseException] = field(default_factory=list)


def make_keys(path: Path) -> str:
    """Write a new secret key to ``path``, which must not exist, mode 0600, and return its public key."""
    identity = pyrage.x25519.Identity.generate()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"# public key: {identity.to_public()}\n{identity}\n")
        file.flush()
        os.fsync(descriptor)
    return str(identity.to_public())


def lines_of(path: Path) -> list[str]:
    """The lines of a file of keys without comments. Raises WrongKey when it cannot be read."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongKey(f"The key file {path} cannot be read: {error}") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def public_keys(path: Path) -> list[pyrage.x25519.Recipient]:
    """Who will be able to open: the public keys in ``path``, or those of its secret keys. Raises WrongKey."""
    found = []
    for line in lines_of(path):
        try:
            if line.startswith(SECRET):
                found.append(pyrage.x25519.Identity.from_str(line).to_public())
            else:
                found.append(pyrage.x25519.Recipient.from_str(line))
        except (pyrage.RecipientError, pyrage.IdentityError, ValueError) as error:
            raise WrongKey(f"The key file {path} must hold an age key, {PUBLIC}… or {SECRET}….") from error
    if not found:
        raise WrongKey(f"The key file {path} holds no key.")
    return found


def secret_keys(path: Path) -> list[pyrage.x25519.Identity]:
    """What opens: the secret keys in ``path``. Raises WrongKey."""
    lines = lines_of(path)
    if any(line.startswith(PUBLIC) for line in lines):
        raise WrongKey(f"{path} holds a public key. To open a backup, give the file with {SECRET}….")
    try:
        found = [pyrage.x25519.Identity.from_str(line) for line in lines]
    except (pyrage.IdentityError, ValueError) as error:
        raise WrongKey(f"The key file {path} must hold an age secret key, {SECRET}….") from error
    if not found:
        raise WrongKey(f"The key file {path} holds no key.")
    return found


class Noting:
    """A file to write to that remembers its first error, which age tells as words only."""

    def __init__(self, file: BinaryIO, errors: Errors) -> None:
        self._file, self._errors = file, errors

    def write(self, data: bytes) -> int:
        """Write all of ``data``. Raises OSError."""
        try:
            return self._file.write(data)
        except OSError as error:
            self._errors.found.append(error)
            raise

    def flush(self) -> None:
        """As the file's. Raises OSError."""
        self._file.flush()


def beside(action: Callable[[], None], end: BinaryIO, errors: Errors) -> threading.Thread:
    """Run ``action`` in a thread that closes its ``end`` of a pipe afterwards and keeps its error."""

    def run() -> None:
        try:
            action()
        except BaseException as error:
            errors.found.append(error)
        finally:
            with suppress(OSError):
                end.close()

    thread = threading.Thread(target=run, name="age", daemon=True)
    thread.start()
    return thread


@contextmanager
def sealing(target: BinaryIO, recipients: list[pyrage.x25519.Recipient]) -> Iterator[BinaryIO]:
    """What is written to the file given is encrypted into ``target``. Raises OSError of ``target``."""
    reading, writing = os.pipe()
    errors = Errors()
    source, sink = os.fdopen(reading, "rb", PIPE_BYTES), os.fdopen(writing, "wb", PIPE_BYTES)
    noting = Noting(target, errors)
    thread = beside(lambda: pyrage.encrypt_io(source, noting, recipients), source, errors)
    try:
        yield sink
        sink.close()
    except BrokenPipeError:  # the other end has said why
        pass
    finally:
        with suppress(BrokenPipeError):
            sink.close()
        thread.join()
    if errors.found:
        raise errors.found[0]


@contextmanager
def opening(source: BinaryIO, identities: list[pyrage.x25519.Identity]) -> Iterator[BinaryIO]:
    """The decrypted bytes of ``source``, which is at its beginning.

    Raises Damaged at the end of the block when they did not come whole, and WrongKey for another's key.
    """
    reading, writing = os.pipe()
    errors = Errors()
    clear, sink = os.fdopen(reading, "rb", PIPE_BYTES), os.fdopen(writing, "wb", PIPE_BYTES)
    thread = beside(lambda: pyrage.decrypt_io(source, sink, identities), sink, errors)
    failure: BaseException | None = None
    try:
        yield clear
    except Exception as error:
        failure = error
    finally:
        clear.close()
        thread.join()
    told = [each for each in errors.found if not isinstance(each, BrokenPipeError)]
    if told:
        raise told_of(told[0]) from told[0]
    if failure is not None:
        raise failure


def told_of(error: BaseException) -> Exception:
    """What age's error means to whoever opens a file."""
    words = str(error)
    if isinstance(error, pyrage.DecryptError) and "key" in words.lower():
        return WrongKey("The key does not open this backup: it was encrypted for another one.")
    return Damaged(words)
