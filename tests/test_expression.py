"""Expressions: checked before they run, and *not measured* where they can't be told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.expression import NOT_MEASURED, Scope
from assay.model.errors import DataError

SCOPE = Scope({"m": "map", "o": "map", "name": "string", "count": "int", "share": "double"})


def value(text: str, result: Any = "bool", **values: Any) -> Any:
    bound = {"m": {}, "o": {}, "name": "", "count": 0, "share": 0.0} | values
    return SCOPE.compile(text, result, "here").value(SCOPE.values(bound))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 1 == 2", True),
        ('m["a.b"] >= 1', True),
        ('m["a.share"] >= 0.85', True),
        ('m["a.b"] >= 0.85', True),
        ('m["set"].exists(x, x == "arm")', True),
        ('"a.b" in m', True),
        ('"nothing" in m', False),
        ('m["a.b"] > 3', False),
    ],
)
def test_values_of_measures(text: str, expected: bool) -> None:
    measures = {"a.b": 3, "a.share": 0.9, "set": ["arm", "mips"], "null": None}
    assert value(text, m=measures) is expected


@pytest.mark.parametrize(
    "text",
    [
        'm["null"] > 3',
        'm["null"] < 3',
        '!(m["null"] > 3)',
        'm["missing"] == 0',
        'm["null"] > 3 || m["missing"] == 0',
        'm["text"] > 3',
        "m.missing.deeper == 1",
        "1 / count == 1",
        "[1, 2][count + 5] == 1",
        'name.matches("(")',
        "9223372036854775807 + count + 1 > 0",
    ],
)
def test_what_cannot_be_evaluated_is_not_measured_and_never_false(text: str) -> None:
    assert value(text, m={"null": None, "text": "x"}) is NOT_MEASURED


def test_what_decides_without_the_unknown_part_decides() -> None:
    assert value('m["null"] > 3 || true', m={"null": None}) is True
    assert value('m["null"] > 3 && false', m={"null": None}) is False
    assert value('m["null"] != null && m["null"] > 3', m={"null": None}) is False


@pytest.mark.parametrize(
    ("text", "result", "column"),
    [
        ("1 +", "bool", "1:4"),
        ("count ==\n  nothing", "bool", "2:3"),
        ("count == name", "bool", "1:7"),
        ('name.size("x")', "bool", "1:10"),
        ("a b", "bool", "1:3"),
    ],
)
def test_errors_name_origin_line_and_column(text: str, result: Any, column: str) -> None:
    with pytest.raises(DataError) as caught:
        SCOPE.compile(text, result, "rules.yaml: one")
    said = str(caught.value)
    assert said.startswith("rules.yaml: one: ")
    assert column in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "result"), [("count", "bool"), ("name", "int"), ("share > 0.5", "string")]
)
def test_a_result_of_another_type_is_refused(text: str, result: Any) -> None:
    with pytest.raises(DataError, match=f"must give {result}"):
        SCOPE.compile(text, result, "here")


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_compiles_or_is_refused_in_words(text: str) -> None:
    said = "here: "
    try:
        SCOPE.compile(text, "bool", "here")
    except DataError as error:
        said = str(error)
    assert said.startswith("here: ")


@given(st.integers(-(2**53), 2**53), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_comparison_agrees_with_python(whole: int, part: float) -> None:
    measures = {"whole": whole, "part": part}
    assert value('m["whole"] >= 7', m=measures) is (whole >= 7)
    assert value('m["part"] < 0.85', m=measures) is (part < 0.85)


@given(st.lists(st.sampled_from(["true", "false", 'm["null"] > 3', "1 / count > 0 // why"])))
def test_any_of_several_is_false_only_where_all_are(texts: list[str]) -> None:
    conditions = [SCOPE.compile(text, "bool", "here") for text in texts or ["false"]]
    bound = SCOPE.values({"m": {"null": None}, "o": {}, "name": "", "count": 0, "share": 0.0})
    each = [condition.value(bound) for condition in conditions]
    together = SCOPE.any_of(conditions).value(bound)
    assert (together is False) == all(one is False for one in each)
    assert (together is True) == any(one is True for one in each)
