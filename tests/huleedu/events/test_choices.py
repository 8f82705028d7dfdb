"""A text that is one of several, which are known only later."""

from typing import Annotated

import pytest
from pydantic import BaseModel, ValidationError

from huleedu.events.choices import OneOf

NAMES = ["one"]


class Chosen(BaseModel):
    """Names one, or several."""

    name: Annotated[str, OneOf(lambda: NAMES)]
    names: list[Annotated[str, OneOf(lambda: NAMES)]] = []


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "NAMES", ["one", "two"])


def test_only_a_known_one_is_taken_and_others_are_told_as_by_a_literal() -> None:
    assert Chosen(name="one").name == "one"
    with pytest.raises(ValidationError) as refused:
        Chosen(name="two")
    (error,) = refused.value.errors(include_url=False)
    assert (error["type"], error["msg"]) == ("literal_error", "Input should be 'one'")
    with pytest.raises(ValidationError):
        Chosen.model_validate({"name": "one", "names": ["one", "two"]})
    with pytest.raises(ValidationError):
        Chosen.model_validate({"name": 1})


def test_what_is_known_later_is_taken_and_described(two: None) -> None:
    assert Chosen(name="two", names=["one", "two"]).names == ["one", "two"]
    described = Chosen.model_json_schema()["properties"]
    assert described["name"]["enum"] == described["names"]["items"]["enum"] == ["one", "two"]
