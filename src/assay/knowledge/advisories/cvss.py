"""The base score that a CVSS vector stands for.

Source: FIRST, CVSS v3.1 specification, section 7.1 and appendix A (`Roundup`); v3.0, section 8;
CVSS v2.0 complete guide, section 3.2.1. Version 4 is scored by a table of 270 sets, which is not
repeated here: such a vector has no score, and the source's word for the severity counts.
"""

from collections.abc import Iterable

from assay.model.advisory import Rating
from assay.model.finding import Severity

_V3 = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"N": 0.0, "L": 0.22, "H": 0.56},
    "I": {"N": 0.0, "L": 0.22, "H": 0.56},
    "A": {"N": 0.0, "L": 0.22, "H": 0.56},
}
_V3_RIGHTS = {
    "U": {"N": 0.85, "L": 0.62, "H": 0.27},
    "C": {"N": 0.85, "L": 0.68, "H": 0.5},
}
_V2 = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "Au": {"M": 0.45, "S": 0.56, "N": 0.704},
    "C": {"N": 0.0, "P": 0.275, "C": 0.660},
    "I": {"N": 0.0, "P": 0.275, "C": 0.660},
    "A": {"N": 0.0, "P": 0.275, "C": 0.660},
}
_CRITICAL, _HIGH, _MEDIUM = 9.0, 7.0, 4.0


def base_score(vector: str) -> float | None:
    """The base score, 0 to 10; None where the vector is malformed or of version 4."""
    words = vector.split("/")
    metrics = dict(word.split(":", 1) for word in words if word.count(":") == 1)
    try:
        if words[0] in ("CVSS:3.1", "CVSS:3.0"):
            return _score3(metrics)
        return None if words[0].startswith("CVSS:") else _score2(metrics)
    except KeyError:
        return None


def severity_of(score: float) -> Severity:
    """The word for a score (CVSS v3.1, section 5); version 2 knew no "critical"."""
    if score >= _CRITICAL:
        return Severity.CRITICAL
    if score >= _HIGH:
        return Severity.HIGH
    if score >= _MEDIUM:
        return Severity.MEDIUM
    return Severity.LOW if score > 0 else Severity.INFO


def best(ratings: Iterable[Rating]) -> tuple[Rating | None, float | None]:
    """The rating by which a vulnerability is shown: the newest version that gives a score."""
    ordered = sorted(ratings, key=lambda one: one.kind, reverse=True)
    scored = [(one, base_score(one.vector)) for one in ordered]
    for rating, score in scored:
        if score is not None:
            return rating, score
    return (ordered[0], None) if ordered else (None, None)


def _score3(metrics: dict[str, str]) -> float:
    changed = metrics["S"] == "C"
    value = {name: scale[metrics[name]] for name, scale in _V3.items()}
    rights = _V3_RIGHTS[metrics["S"]][metrics["PR"]]
    loss = 1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"])
    impact = 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15 if changed else 6.42 * loss
    if impact <= 0:
        return 0.0
    ease = 8.22 * value["AV"] * value["AC"] * rights * value["UI"]
    return _up(min((1.08 if changed else 1.0) * (impact + ease), 10.0))


def _up(score: float) -> float:
    """To the next tenth above; by whole numbers, as 3.1 has it, so that floats don't matter."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10


def _score2(metrics: dict[str, str]) -> float:
    value = {name: scale[metrics[name]] for name, scale in _V2.items()}
    impact = 10.41 * (1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"]))
    ease = 20 * value["AV"] * value["AC"] * value["Au"]
    factor = 0.0 if impact == 0 else 1.176
    return round(((0.6 * impact) + (0.4 * ease) - 1.5) * factor, 1)
