"""The one task of the plain project."""

from dataclasses import asdict
from pathlib import Path

from essays.steps.spellcheck import spellcheck
from files.steps.extract import extract
from files.steps.validate import TextLimits, validate
from tests.benchmarks.plain.models import Upload


def process(upload_id: int) -> None:
    """Read, validate, check the spelling, save."""
    upload = Upload.objects.get(pk=upload_id)
    upload.text = extract(Path(upload.path).read_bytes(), upload.name).text
    upload.words = validate(upload.text, TextLimits()).words
    upload.findings = [asdict(finding) for finding in spellcheck(upload.text, "en").findings]
    upload.done = True
    upload.save()
