"""Measures and findings out of observations.

Takes: the tree, what examiners said, function classes, rules. Gives: measures, findings, what was
not measured. Must not know: how observations were made; what is acceptable (that is oversight's).
"""

from assay.assess.assessment import Assessment, assess
from assay.assess.compose import SealedSecret, compose, seals
from assay.assess.facts import Facts
from assay.assess.form import assessment_form
from assay.assess.measures import MEASURES
from assay.assess.rules import Rule, load_rules

__all__ = [
    "MEASURES",
    "Assessment",
    "Facts",
    "Rule",
    "SealedSecret",
    "assess",
    "assessment_form",
    "compose",
    "load_rules",
    "seals",
]
