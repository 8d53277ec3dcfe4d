"""Measures: pure folds, one function each, no thresholds. Listed here by hand."""

from assay.assess.measures import executables, image, known, system
from assay.assess.measures.contract import Measure, Unknown, measure

MEASURES: tuple[Measure, ...] = (
    *image.MEASURES,
    *executables.MEASURES,
    *system.MEASURES,
    *known.MEASURES,
)

__all__ = ["MEASURES", "Measure", "Unknown", "measure"]
