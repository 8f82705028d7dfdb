"""Syllables of English words, as dictionaries divide them."""

import pytest

from essays.steps.syllables import count_syllables

DIVIDED = """
cat the school make-s walk-ed ap-ple ta-ble cre-ate cre-a-ted sci-ence be-ing go-ing peo-ple
be-cause teach-er stu-dents ed-u-ca-tion im-por-tant dif-fer-ent i-de-a fam-i-ly beau-ti-ful
in-ter-est-ing want-ed need-ed hous-es box-es wish-es chang-es lit-tle bot-tles year young be-yond
play-er u-ni-ver-si-ty na-tion spe-cial se-ri-ous pre-vi-ous ar-e-a ra-di-o vid-e-o pi-a-no po-em
qui-et so-ci-e-ty ex-pe-ri-ence friend mil-lion ques-tion re-li-gion u-su-al-ly mu-se-um queue
rhyth-m lan-guage av-er-age en-vi-ron-ment gov-ern-ment tech-nol-o-gy com-put-er choc-o-late
read-ing writ-ing stud-y-ing play-ing tried car-ried stud-ies coun-tries va-ri-e-ty cli-ent gi-ant
real the-a-tre re-act o-cean eye were there sure use used whole cou-ple mid-dle o-pin-ion on-ion
un-ion dan-ger-ous var-i-ous con-tin-ue val-ue ar-gue league flu-ent ru-in gen-u-ine see-ing ly-ing
"""


def test_of_usual_words_nearly_all_are_counted_right() -> None:
    words = DIVIDED.replace("make-s", "makes").replace("walk-ed", "walked").split()
    wrong = {word for word in words if count_syllables(word.replace("-", "")) != word.count("-") + 1}
    assert len(wrong) <= 0.03 * len(words), wrong


@pytest.mark.parametrize(
    ("word", "count"), [("", 1), ("x", 1), ("well-known", 2), ("they're", 1), ("1984", 1), ("--", 1)]
)
def test_odd_words_have_at_least_one(word: str, count: int) -> None:
    assert count_syllables(word) == count
