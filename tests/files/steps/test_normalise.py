import time

from files.steps.normalise import CONTROL_CHARACTERS, normalise


def test_line_ends_become_one_kind() -> None:
    assert normalise("a\r\nb\rc\x0bd\x0ce\u2028f\u2029g\x85h") == ("a\nb\nc\nd\ne\nf\ng\nh", ())


def test_composed_letters() -> None:
    assert normalise("ra\u0308ksmo\u0308rga\u030as")[0] == "räksmörgås"


def test_nul_is_shown_and_told() -> None:
    assert normalise("a\x00b\x1bc") == ("a\ufffdb\ufffdc", (CONTROL_CHARACTERS,))


def test_lone_surrogate_can_be_stored_afterwards() -> None:
    normalise("a\ud800b")[0].encode()


def test_marks_without_width_go_but_emoji_stay_whole() -> None:
    assert normalise("\ufeffhel\u200blo av\u00adstava \u2060")[0] == "hello avstava"
    assert normalise("👩\u200d🏫")[0] == "👩\u200d🏫"


def test_spaces_at_the_ends_go() -> None:
    assert normalise(" \n\n  första  \n\tandra\t \n\n ")[0] == "första\n\tandra"


def test_long_runs_of_spaces_take_linear_time() -> None:
    started = time.perf_counter()
    normalise("a" + " " * 2_000_000 + "b")
    assert time.perf_counter() - started < 2
