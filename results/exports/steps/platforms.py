"""How Canvas and Moodle call a pupil's file, and how its feedback must be called to find its way back.

Both look at names alone (Canvas: ``infer_comment_context_from_filename``; Moodle:
``assignfeedback_file_zip_importer::is_valid_filename_for_import``), so what they look at stays as it came.
"""

from pathlib import PurePosixPath

from results.exports.steps.names import safe

LATE, ANONYMOUS = "LATE", "anon"
HIDDEN = ".~"
PLUGINS = ("assignsubmission", "assignfeedback")


def canvas_name(filename: str) -> str | None:
    """``filename`` if Canvas gave it, whose feedback is called the same; None for any other.

    ``larssonanna_12345_67890_essay.docx``, with ``LATE`` after the name of one that came too late; of a pupil
    who is anonymous ``anon_a1B2c_67890_essay.docx``. What was handed in as a link has no file.
    """
    name, *parts = filename.split("_")
    if parts[:1] == [LATE]:
        parts = parts[1:]
    if name != ANONYMOUS:
        # A name may have such a line in it; the first two numbers are the pupil's and the file's.
        while parts and not is_number(parts[0]):
            parts = parts[1:]
    pupil, file, rest = parts[:1], parts[1:2], "_".join(parts[2:])
    known = [is_number(each) or (name == ANONYMOUS and each.isalnum()) for each in pupil]
    if not name or known != [True] or not all(map(is_number, file)) or not file or not rest:
        return None
    return None if parts[-1].startswith("link") else filename


def is_number(text: str) -> bool:
    """Whether the platforms take ``text`` for a number."""
    return text.isascii() and text.isdigit()


def moodle_place(folder: str, filename: str, ending: str) -> tuple[str, str] | None:
    """The folder and name of the feedback to a file that Moodle gave; None for any other.

    ``Anna Larsson_123456_assignsubmission_file_essay.docx``, or a folder called so as far as ``file``: Moodle
    puts each pupil's files in one, or does not. ``ending`` takes the place of the file's. What comes after
    Moodle's part is free: it is short enough to be saved, and shows, for Moodle passes over hidden files.
    """
    name = f"{PurePosixPath(filename).stem}.{ending}"
    if is_moodles(filename) and filename.count("_") > 3:
        *moodles, own = name.split("_", 4)
        return "", "_".join([*moodles, safe(own)])
    shown = safe(name.lstrip(HIDDEN))
    return next(((part, shown) for part in folder.split("/") if is_moodles(part)), None)


def is_moodles(name: str) -> bool:
    """Whether Moodle finds a pupil in ``name``."""
    pupil, number, plugin, kind, *_ = [*name.split("_", 4), "", "", "", ""]
    return bool(pupil) and is_number(number) and plugin in PLUGINS and kind.isascii() and kind.isalpha()
