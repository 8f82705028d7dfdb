"""Shapes get a part for each phase, under their own name and description."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from huleedu.api.phase_fields import bounds_per_phase, field_per_phase
from huleedu.api.shapes import Answer, Query
from huleedu.events.phases import essay_phases


@field_per_phase(essay_phases, lambda phase: phase.figures)
class Row(Answer):
    """One row."""

    number: int


@bounds_per_phase(essay_phases)
class Asked(Query):
    """Which rows."""


def test_a_row_has_each_phase_and_null_where_it_has_not_run() -> None:
    assert Row.__name__ == "Row" and Row.__doc__ == "One row." and Row.__module__ == __name__
    assert list(Row.model_fields) == ["number", "spellcheck", "analysis"]
    assert Row.model_json_schema()["required"] == ["number", "spellcheck", "analysis"]
    read = Row.model_validate({"number": 1, "spellcheck": None, "analysis": None})
    assert read.number == 1


def test_a_name_that_is_taken_is_refused() -> None:
    class Analysed(Answer):
        analysis: int

    with pytest.raises(ImproperlyConfigured, match="Analysed has analysis already"):
        field_per_phase(essay_phases, lambda phase: phase.figures)(Analysed)


def test_a_query_has_the_bounds_of_each_phase() -> None:
    assert set(Asked.model_fields) == {"min_findings", "max_findings"}
    assert Asked.model_validate({}).model_dump() == {"min_findings": None, "max_findings": None}
