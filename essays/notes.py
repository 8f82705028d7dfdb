"""What a teacher notes of an essay, as everybody reads it."""

from essays.models import EssayNote
from files.models import FileUpload


def note_of(upload: FileUpload) -> EssayNote:
    """The note on the file's essay; one that is empty and not stored where there is none."""
    return upload.essay_note if hasattr(upload, "essay_note") else EssayNote(file=upload)


def is_read(upload: FileUpload) -> bool:
    """Whether its teacher has read what the file holds now."""
    note = note_of(upload)
    return note.read_hash != "" and note.read_hash == upload.content_hash
