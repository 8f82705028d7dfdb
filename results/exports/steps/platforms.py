"""How Canvas and Moodle call a pupil's file, and how its feedback must be called to find its way back.

Both look at names alone (Canvas: ``infer_comment_context_from_filename``; Moodle:
``assignfeedback_file_zip_importer::is_valid_filename_for_import``), so what they look at stays as it came.
"""

import re
from pathlib import PurePosixPath

# larssonanna_12345_67890_essay.docx, larssonanna_LATE_…, anon_a1B2c_67890_essay.docx
CANVAS = re.compile(r"[^\W_][^_]*(?:_LATE)?_\d+_\d+_.+", re.DOTALL)
CANVAS_ANONYMOUS = re.compile(r"anon(?:_LATE)?_[0-9A-Za-z]+_\d+_.+", re.DOTALL)
CANVAS_LINK = re.compile(r"link", re.IGNORECASE)
# Anna Larsson_123456_assignsubmission_file_essay.docx, or a folder called so as far as "file"
MOODLE = re.compile(r"[^_/]+_\d+_assign(?:submission|feedback)_[a-z]+(?:_.*)?", re.DOTALL)


def canvas_name(filename: str) -> str | None:
    """``filename`` if Canvas gave it, whose feedback is called the same; None for any other."""
    if not (CANVAS.fullmatch(filename) or CANVAS_ANONYMOUS.fullmatch(filename)):
        return None
    last = filename.rpartition("_")[2]
    return None if CANVAS_LINK.match(last) else filename


def moodle_place(folder: str, filename: str, ending: str) -> tuple[str, str] | None:
    """The folder and name of the feedback to a file that Moodle gave; None for any other.

    ``ending`` takes the place of the file's. Moodle puts each pupil's files in a folder, or does not.
    """
    stem = PurePosixPath(filename).stem
    if MOODLE.fullmatch(filename) and filename.count("_") >= 4:
        return "", f"{stem}.{ending}"
    for part in folder.split("/"):
        if MOODLE.fullmatch(part):
            return part, f"{stem}.{ending}"
    return None
