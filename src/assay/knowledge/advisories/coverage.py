"""How far the shipped advisories speak of a component: data that people judged, with dates."""

from functools import cache
from importlib import resources

import yaml
from pydantic import ValidationError

from assay.model.advisory import Claim, Judgement, Range
from assay.model.base import Frozen
from assay.model.errors import DataError

_SHIPPED = "coverage.yaml"


class Judged(Frozen):
    """How well one component is covered, up to which day, and why it is judged so."""

    judgement: Judgement
    up_to: str = ""
    why: str = ""


class Contradiction(Frozen):
    """A claim that stands beside the one that the snapshot took from the same record."""

    id: str
    component: str
    source: str
    introduced: str = "0"
    fixed: str = ""
    last_affected: str = ""


class CoverageTable(Frozen):
    """The whole table."""

    version: str
    judged: str
    components: dict[str, Judged]
    fix_only: frozenset[str] = frozenset()
    contradictions: tuple[Contradiction, ...] = ()


@cache
def coverage_table() -> CoverageTable:
    """The shipped table.

    Raises:
        DataError: it is malformed.
    """
    text = resources.files("assay.knowledge").joinpath("data/advisories", _SHIPPED)
    try:
        return CoverageTable.model_validate(yaml.safe_load(text.read_text("utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise DataError(f"{_SHIPPED}: {error}") from error


def contradictions(advisory: str) -> tuple[Claim, ...]:
    """Claims that contradict the source whose range the snapshot took."""
    return tuple(
        Claim(
            component=one.component,
            source=one.source,
            ranges=(
                Range(introduced=one.introduced, fixed=one.fixed, last_affected=one.last_affected),
            ),
        )
        for one in coverage_table().contradictions
        if one.id == advisory
    )
