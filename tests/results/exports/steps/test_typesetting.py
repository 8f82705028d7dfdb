"""Signs that no font has are named each once, and that there are more of them is said."""

from results.exports.steps.typesetting import MORE, MOST_SIGNS, codes, lacking_of


def said_of(*signs: str) -> str:
    """What the typesetter says of them."""
    return "\n".join(f'the text `"{sign}"` could not be displayed with font "Noto Sans"' for sign in signs)


def test_each_sign_is_named_once_by_itself_and_by_its_number() -> None:
    signs = lacking_of(said_of("你", "\\u{5973}", "你"))
    assert signs == ["你", "女"]
    assert codes(signs) == "U+4F60, U+5973"


def test_of_very_many_the_first_ones_are_named_and_that_there_are_more() -> None:
    very_many = [chr(0x4E00 + number) for number in range(MOST_SIGNS + 1)]
    assert lacking_of(said_of(*very_many[:-1])) == very_many[:-1]
    signs = lacking_of(said_of(*very_many))
    assert signs == [*very_many[:-1], MORE]
    assert codes(signs).endswith(f"U+4E13, {MORE}")
