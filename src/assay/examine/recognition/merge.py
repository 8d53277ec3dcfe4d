"""One sighting for what several recognisers say of one component in one file.

How it works: a text that names a version is believed: vendors and distributions change code under
it, and signatures end with the newest release that they were built from. Where the features fit
that version (or nothing newer than they know), the sighting is sure; where they fit others, the
sighting keeps both, says so, and is less sure. How much of the component is there, the features
say, for they were counted.
"""

from collections.abc import Iterable, Iterator

from assay.knowledge.signatures.versions import version_key
from assay.model.observations import ComponentSighting, Evidence

_SURE, _LESS = 0.03, 0.6
_MOST_EVIDENCE = 6


def merged(sightings: Iterable[ComponentSighting]) -> Iterator[ComponentSighting]:
    """All sightings, those of one component and version folded into one."""
    listed = list(sightings)
    features = {one.name: one for one in listed if one.method == "signature"}
    told: set[str] = set()
    for one in listed:
        by_features = features.get(one.name)
        if by_features is None:
            yield one
        elif one.method != "signature":
            told.add(one.name)
            yield _both(one, by_features)
    yield from (one for name, one in features.items() if name not in told)


def _both(text: ComponentSighting, features: ComponentSighting) -> ComponentSighting:
    evidence = (*text.evidence[:2], *features.evidence)[:_MOST_EVIDENCE]
    both = {"copy_extent": features.copy_extent, "method": "signature", "evidence": evidence}
    if not text.version:
        known = {"version": features.version, "low": features.low, "high": features.high}
        purl = features.purl if not text.purl else _with(text.purl, features.version)
        return text.model_copy(update={**both, **known, "purl": purl})
    if fits(text.version, features):
        sure = min(1.0, max(text.confidence, features.confidence) + _SURE)
        return text.model_copy(update={**both, "confidence": round(sure, 2)})
    said = features.version or f"{features.low} to {features.high or 'the newest known'}"
    against = Evidence(excerpt=f"the text names {text.version}; the features fit {said}")
    low = features.version or features.low
    high = features.version or features.high
    sure = min(text.confidence, features.confidence) * _LESS
    return text.model_copy(
        update={
            **both,
            "low": low,
            "high": high,
            "confidence": round(sure, 2),
            "evidence": (against, *evidence)[:_MOST_EVIDENCE],
        }
    )


def fits(version: str, features: ComponentSighting) -> bool:
    """Whether a version is among those that the features allow; a known release's own patch
    level, which upstream did not tag (`5.2.15` of `5.2`), is."""
    if features.version:
        known = features.version
        return version == known or version.startswith((f"{known}.", f"{known}p"))
    key = version_key(version)
    below = not features.high or key <= version_key(features.high)
    patched = bool(features.high) and version.startswith((f"{features.high}.", f"{features.high}p"))
    return version_key(features.low) <= key and (below or patched)


def _with(purl: str, version: str) -> str:
    return f"{purl.partition('@')[0]}@{version}" if version else purl
