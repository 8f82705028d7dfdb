"""What kind of mistake a mark shows."""

import pytest

from results.mark_kinds import LABELS, MarkKind, differs_by_one, kind_of, patterns


@pytest.mark.parametrize(
    ("word", "suggestion", "kind"),
    [
        ("xyzzyq", "", MarkKind.UNKNOWN),
        ("sweden", "Sweden", MarkKind.CAPITALS),
        ("alot", "a lot", MarkKind.APART),
        ("sjuk-sköterska", "sjuksköterska", MarkKind.APART),
        ("dont", "don't", MarkKind.APOSTROPHE),
        ("dont", "don’t", MarkKind.APOSTROPHE),
        ("smorgas", "smörgås", MarkKind.DOTS),
        ("siting", "sitting", MarkKind.DOUBLED),
        ("tommorow", "tomorrow", MarkKind.DOUBLED),
        ("freind", "friend", MarkKind.ORDER),
        ("Becouse", "Because", MarkKind.ONE),
        ("wich", "which", MarkKind.ONE),
        ("nervus", "nervous", MarkKind.ONE),
        ("intresting", "entertaining", MarkKind.SEVERAL),
    ],
)
def test_the_first_kind_that_fits_counts(word: str, suggestion: str, kind: MarkKind) -> None:
    assert kind_of(word, suggestion) == kind


def test_every_kind_has_words() -> None:
    assert LABELS.keys() == set(MarkKind)


def test_one_letter_is_one_too_many_too_few_or_another() -> None:
    for one, other in (("a", "ab"), ("abc", "axc"), ("abc", "ac"), ("abc", "xabc"), ("", "a")):
        assert differs_by_one(one, other) and differs_by_one(other, one)
    for one, other in (("abc", "xyc"), ("abc", "bca"), ("a", "abc")):
        assert not differs_by_one(one, other)


def test_kinds_are_ranked_with_their_essays_and_words() -> None:
    def mark(word: str, suggestion: str, number: int, start: int) -> dict[str, object]:
        return {"word": word, "suggestions": [suggestion], "number": number, "start": start}

    found = patterns(
        [
            mark("freind", "friend", 2, 40),
            mark("Freind", "Friend", 5, 7),
            mark("thier", "their", 2, 3),
            mark("wich", "which", 1, 9),
        ]
    )
    assert [(one.kind, one.times, one.essays) for one in found] == [
        (MarkKind.ORDER, 3, 2),
        (MarkKind.ONE, 1, 1),
    ]
    first = found[0].words[0]
    assert (first.count, first.essays, first.number, first.start) == (2, 2, 2, 40)
    assert patterns([]) == []
