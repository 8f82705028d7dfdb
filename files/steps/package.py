"""ZIP packages of untrusted origin, read within limits."""

import io
import zipfile
import zlib

from huleedu.failures.errors import ErrorCode, StepError

MAXIMUM_MEMBERS = 10_000
MAXIMUM_MEMBER_BYTES = 32 * 1024 * 1024
MAXIMUM_TOTAL_BYTES = 256 * 1024 * 1024

BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

_CHUNK_BYTES = 64 * 1024
_MOST_FOR_ONE = 1032  # bytes that deflate can make of one: a directory that tells of more is damaged
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OverflowError)


class Package:
    """A ZIP archive whose directory is within the limits.

    Raises StepError CORRUPTED_FILE when damaged, ARCHIVE_LIMIT when its directory declares too much.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGE as error:
            raise StepError(ErrorCode.CORRUPTED_FILE, reason="archive") from error
        self.names = frozenset(self._archive.namelist())
        self._check_directory()

    def _check_directory(self) -> None:
        members = self._archive.infolist()
        if any(member.file_size > _MOST_FOR_ONE * len(self._data) + _CHUNK_BYTES for member in members):
            raise StepError(ErrorCode.CORRUPTED_FILE, reason="archive")
        total = sum(member.file_size for member in members)
        if len(members) > MAXIMUM_MEMBERS:
            raise StepError(ErrorCode.ARCHIVE_LIMIT, members=len(members), maximum=MAXIMUM_MEMBERS)
        if total > MAXIMUM_TOTAL_BYTES:
            raise StepError(ErrorCode.ARCHIVE_LIMIT, bytes=total, maximum=MAXIMUM_TOTAL_BYTES)

    def read(self, name: str) -> bytes:
        """One member's bytes, counted while they unpack.

        Raises StepError CORRUPTED_FILE (missing or damaged), ENCRYPTED_FILE or ARCHIVE_LIMIT.
        """
        if name not in self.names:
            raise StepError(ErrorCode.CORRUPTED_FILE, reason="missing part")
        member = self._archive.getinfo(name)
        if member.flag_bits & 0x1:
            # Told twice in the file: once alone it is a damaged bit, not a password.
            flags = self._data[member.header_offset + 6 : member.header_offset + 8]
            if not int.from_bytes(flags, "little") & 0x1:
                raise StepError(ErrorCode.CORRUPTED_FILE, reason="archive")
            raise StepError(ErrorCode.ENCRYPTED_FILE)
        if member.file_size > MAXIMUM_MEMBER_BYTES:
            raise StepError(ErrorCode.ARCHIVE_LIMIT, bytes=member.file_size, maximum=MAXIMUM_MEMBER_BYTES)
        try:
            return self._unpack(member)
        except _DAMAGE as error:
            raise StepError(ErrorCode.CORRUPTED_FILE, reason="archive") from error

    def _unpack(self, member: zipfile.ZipInfo) -> bytes:
        unpacked = bytearray()
        with self._archive.open(member) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                unpacked += chunk
                if len(unpacked) > MAXIMUM_MEMBER_BYTES:
                    raise StepError(ErrorCode.ARCHIVE_LIMIT, maximum=MAXIMUM_MEMBER_BYTES)
        if len(unpacked) != member.file_size:
            raise zipfile.BadZipFile("size differs from the directory")
        return bytes(unpacked)
