"""Measures and findings out of observations.

Takes: the tree, what examiners said, function classes, rules, what is known against components.
Gives: measures, findings, what was not measured. Must not know: how observations were made; what
is acceptable (that is oversight's).
"""

from assay.assess.assessment import Assessment, Consulted, VendorSays, assess
from assay.assess.compose import compose, seals
from assay.assess.facts import Facts
from assay.assess.measures import MEASURES
from assay.assess.measures.by_component import value_of
from assay.assess.reassess import reassess
from assay.assess.rules import Rule, load_rules

__all__ = [
    "MEASURES",
    "Assessment",
    "Consulted",
    "Facts",
    "Rule",
    "VendorSays",
    "assess",
    "compose",
    "load_rules",
    "reassess",
    "seals",
    "value_of",
]
