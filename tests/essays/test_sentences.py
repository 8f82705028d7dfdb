"""The sentences around marks."""

from essays.segments import make_marks
from essays.sentences import MOST, sentences
from tests.rows import finding

TEXT = (
    "First one. It is becouse of\nthat, she said. Last\none!\n\nA becouse heading\n\n"
    "“Is it becouse?” he asked: becouse of dogs."
)


def found(text: str, *starts: int, length: int = 7) -> list[str]:
    """The sentences around words of ``length`` at ``starts``, marks in brackets."""
    findings = [
        {"start": start, "end": start + length, "word": text[start : start + length]} for start in starts
    ]
    return [
        "".join(f"[{part.text}]" if part.finding else part.text for part in sentence)
        for sentence in sentences(text, make_marks(findings, len(text)))
    ]


def places(text: str, word: str) -> list[int]:
    """Where ``word`` begins in ``text``."""
    return [at for at in range(len(text)) if text.startswith(word, at)]


def test_a_sentence_is_whole_and_stands_once() -> None:
    assert found(TEXT, *places(TEXT, "becouse")) == [
        "It is [becouse] of\nthat, she said.",
        "A [becouse] heading",
        "“Is it [becouse]?”",
        "he asked: [becouse] of dogs.",
    ]


def test_two_marks_of_a_sentence_stand_in_one() -> None:
    text = "No. It was becouse and becouse. Yes."
    assert found(text, *places(text, "becouse")) == ["It was [becouse] and [becouse]."]


def test_a_word_alone_is_its_own_sentence() -> None:
    assert found("becouse", 0) == ["[becouse]"]
    assert found("", 0) == []


def test_of_a_text_without_ends_as_much_is_shown_as_is_read() -> None:
    text = "word " * 200 + "becouse" + " word" * 200
    (sentence,) = found(text, *places(text, "becouse"))
    assert sentence.startswith("…") and sentence.endswith("…") and "[becouse]" in sentence
    assert len(sentence) <= 2 * MOST + len("[becouse]") + 2


def test_marks_keep_their_number() -> None:
    marks = make_marks([finding(TEXT, "one"), finding(TEXT, "heading")], len(TEXT))
    assert [part.finding.index for one in sentences(TEXT, marks) for part in one if part.finding] == [1, 2]
