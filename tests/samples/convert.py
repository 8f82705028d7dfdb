"""Makes the documents of this folder from its texts anew: ``python -m tests.samples.convert``.

Needs LibreOffice Writer, pandoc, pdftoppm and msoffcrypto-tool. No test needs them: what they made is kept.
"""

import io
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

HERE = Path(__file__).resolve().parent
NAMES = ("sv", "en")
PANDOC = ("docx", "odt", "rtf", "epub")
OFFICE = ("docx", "odt", "rtf", "doc", "html", "pdf")
OPEN_PASSWORD = (
    'pdf:writer_pdf_Export:{"EncryptFile":{"type":"boolean","value":"true"},'
    '"DocumentOpenPassword":{"type":"string","value":"secret"}}'
)
DOTS_PER_INCH = "86"


def main() -> None:
    """Write every document beside its text."""
    for name in NAMES:
        text = HERE / f"{name}.txt"
        for ending in PANDOC:
            target = HERE / f"{name}.pandoc.{ending}"
            run("pandoc", "-s", "-f", "markdown-smart", "-o", str(target), str(text))
        source = HERE / f"{name}.pandoc.docx"
        for ending in OFFICE:
            office(source, ending, HERE / f"{name}.soffice.{ending}")
        office(source, OPEN_PASSWORD, HERE / f"{name}.password.pdf")
        protected = HERE / f"{name}.password.docx"
        run("msoffcrypto-tool", "-e", "-p", "secret", str(HERE / f"{name}.soffice.docx"), str(protected))
        scan(name)


def office(source: Path, kind: str, target: Path) -> None:
    """Convert by LibreOffice, which names its output itself."""
    with TemporaryDirectory() as folder:
        run("soffice", "--headless", "--convert-to", kind, "--outdir", folder, str(source))
        (made,) = Path(folder).glob(f"*.{kind.partition(':')[0]}")
        target.write_bytes(made.read_bytes())


def scan(name: str) -> None:
    """A page as a photograph of it, and a PDF of such pages without any text."""
    picture = HERE / f"{name}.scan.jpg"
    resolution = ("-r", DOTS_PER_INCH, "-f", "1", "-l", "1", "-gray", "-jpeg", "-jpegopt", "quality=40")
    run(
        "pdftoppm",
        *resolution,
        "-singlefile",
        str(HERE / f"{name}.soffice.pdf"),
        str(picture.with_suffix("")),
    )
    stream = io.BytesIO()
    canvas = Canvas(stream, invariant=1)
    canvas.drawImage(ImageReader(io.BytesIO(picture.read_bytes())), 0, 0, 595, 842)
    canvas.showPage()
    canvas.save()
    (HERE / f"{name}.scan.pdf").write_bytes(stream.getvalue())


def run(*command: str) -> None:
    """Run a program. Raises CalledProcessError when it fails."""
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
