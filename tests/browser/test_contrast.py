"""The colour tokens keep WCAG's contrast in both themes."""

import re
from pathlib import Path

import pytest
from django.conf import settings

CSS = Path(settings.BASE_DIR) / "huleedu" / "static" / "huleedu" / "css"
TOKENS = (CSS / "tokens.css").read_text()
PAIRS = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", TOKENS)
COLOURS = {name: (light, dark) for name, light, dark in PAIRS}
STATES = ["upload", "work", "done", "fail", "wait"]

TEXT = [
    ("text", "page"),
    ("text", "surface"),
    ("text", "paper"),
    ("text-muted", "page"),
    ("text-muted", "surface"),
    ("text-muted", "sunken"),
    ("text-muted", "fail-wash"),
    ("accent", "page"),
    ("accent", "accent-soft"),
    ("on-accent", "accent-fill"),
    ("on-accent", "accent-fill-hover"),
    ("on-danger", "danger-fill"),
    ("extra-text", "extra-soft"),
    ("fail-text", "fail-wash"),
    *((f"{state}-text", f"{state}-soft") for state in STATES),
]
SHAPES = [
    ("control-line", "surface"),
    ("focus", "surface"),
    ("focus", "page"),
    ("spell-line", "paper"),
    ("extra-mark", "surface"),
    *((f"{state}-mark", "surface") for state in STATES),
]


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 to 1."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text_can_be_read(front: str, back: str, theme: int) -> None:
    assert contrast(COLOURS[front][theme], COLOURS[back][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), SHAPES)
def test_shapes_can_be_seen(front: str, back: str, theme: int) -> None:
    assert contrast(COLOURS[front][theme], COLOURS[back][theme]) >= 3.0


def test_browsers_without_both_themes_get_the_light_colours() -> None:
    plain = dict(re.findall(r"--([\w-]+): (#\w{6});", TOKENS))
    assert plain == {name: light for name, (light, _) in COLOURS.items()}


def test_every_token_in_use_exists() -> None:
    used = {name for path in CSS.glob("*.css") for name in re.findall(r"var\(--([\w-]+)", path.read_text())}
    assert used <= set(re.findall(r"--([\w-]+):", TOKENS))
