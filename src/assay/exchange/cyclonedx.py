"""CycloneDX 1.6: the bill of materials that the image itself shows.

Source: CycloneDX specification 1.6 (ECMA-424), JSON schema `bom-1.6`.
One component for each name and version, one occurrence for each copy. Where only an interval of
releases is known, the component has no version and the properties `assay:version.low` and
`assay:version.high` carry the bounds. There is no timestamp: the same evaluation gives the same
bytes, and the day of the knowledge is among the image's properties.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from packageurl import PackageURL

from assay.exchange.cyclonedx_vex import references, vulnerabilities
from assay.exchange.text import is_sha256, plain
from assay.model.base import digest
from assay.model.evaluation import ComponentCopy, Evaluation

_NAMESPACE = uuid.UUID("5b1f0c3e-6f0a-5d2b-9a3e-2f6f0f7a4c11")
_IMAGE = "image"
_TOOL = "assay"
_LONGEST_VERSION = 1024  # bom-1.6 schema, definitions/version
_TECHNIQUES = {
    "version-string": "binary-analysis",
    "package-database": "manifest-analysis",
    "soname": "filename",
    "signature": "binary-analysis",
    "metadata": "manifest-analysis",
}
# These speak of the very file that they were seen in; a database speaks of other files.
_OF_THE_FILE = frozenset({"version-string", "soname", "signature"})
_MEASURES = ("intake.understood.share", "components.count", "components.places")
_Key = tuple[str, str, str, str]


def bom(evaluation: Evaluation) -> dict[str, Any]:
    """The bill of materials of an evaluation."""
    groups: dict[_Key, list[ComponentCopy]] = {}
    for copy in evaluation.components:
        groups.setdefault(_key(copy), []).append(copy)
    components = [_component(key, copies) for key, copies in sorted(groups.items())]
    behind = {_reference(key): copies for key, copies in groups.items()}
    known = vulnerabilities(evaluation, references(behind), _IMAGE)
    content = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": _metadata(evaluation),
        "components": components,
        **_relations([component["bom-ref"] for component in components]),
        **({"vulnerabilities": known} if known else {}),
    }
    return {**content, "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, digest(content))}"}


def _key(copy: ComponentCopy) -> _Key:
    between = copy.versions
    return (
        copy.name,
        copy.version or "",
        between.low if between else "",
        between.high if between else "",
    )


def _relations(references: list[str]) -> dict[str, Any]:
    """What an image shows is never known to be all that is in it; nor what needs what."""
    known = "incomplete" if references else "unknown"
    compositions = [{"aggregate": known, "assemblies": [_IMAGE], "dependencies": [_IMAGE]}]
    if references:
        compositions.append({"aggregate": "unknown", "dependencies": references})
    return {
        "dependencies": [{"ref": _IMAGE, "dependsOn": references}],
        "compositions": compositions,
    }


def _metadata(evaluation: Evaluation) -> dict[str, Any]:
    tool = {
        "type": "application",
        "bom-ref": _TOOL,
        "name": evaluation.tool.name,
        "version": _version(evaluation.tool.version),
        "properties": [
            _property(f"assay:part.{part.name}", part.version) for part in evaluation.tool.parts
        ],
    }
    return {
        "lifecycles": [{"phase": "post-build"}],
        "tools": {"components": [tool]},
        "component": _image(evaluation),
    }


def _image(evaluation: Evaluation) -> dict[str, Any]:
    subject = evaluation.subject
    measured = [
        _property(f"assay:measure.{name}", str(evaluation.measures[name]))
        for name in _MEASURES
        if evaluation.measures.get(name) is not None
    ]
    image: dict[str, Any] = {
        "type": "firmware",
        "bom-ref": _IMAGE,
        "name": plain(subject.product),
        "version": _version(subject.release),
        "properties": [
            _property("assay:image.name", subject.name),
            _property("assay:image.size", str(subject.size)),
            _property("assay:knowledge.version", evaluation.knowledge.version),
            _property("assay:knowledge.as_of", evaluation.knowledge.as_of),
            *(
                _property(f"assay:source.{source.name}", source.as_of)
                for source in evaluation.knowledge.sources
            ),
            *(
                _property(f"assay:coverage.{one.component}", one.judgement.value)
                for one in evaluation.coverage
            ),
            *measured,
        ],
    }
    if subject.vendor:
        image["supplier"] = {"name": plain(subject.vendor)}
    if is_sha256(subject.sha256):
        image["hashes"] = [_hash(subject.sha256)]
    return image


def _component(key: _Key, copies: Sequence[ComponentCopy]) -> dict[str, Any]:
    name, version, low, high = key
    component: dict[str, Any] = {
        "type": "operating-system" if name == "linux" else "library",
        "bom-ref": _reference(key),
        "name": plain(name),
        "evidence": {
            "identity": _identities(version, copies),
            "occurrences": [_occurrence(copy) for copy in copies],
        },
        "properties": [
            _property("assay:copies", str(len(copies))),
            *(
                _property(f"assay:version.{label}", bound)
                for label, bound in (("low", low), ("high", high))
                if bound
            ),
        ],
    }
    if version:
        component["version"] = _version(version)
    if purl := _purl(copies):
        component["purl"] = purl
    if suppliers := sorted({copy.supplier for copy in copies if copy.supplier}):
        component["supplier"] = {"name": plain(suppliers[0])}
    if hashes := _hashes(copies):
        component["hashes"] = hashes
    return component


def _reference(key: _Key) -> str:
    return f"component:{digest(list(key))[:24]}"


def _purl(copies: Sequence[ComponentCopy]) -> str:
    """The package URL of the surest copy that has a well-formed one."""
    for copy in sorted(copies, key=lambda one: -one.confidence):
        if copy.purl and _is_purl(copy.purl):
            return copy.purl
    return ""


def _is_purl(text: str) -> bool:
    try:
        PackageURL.from_string(text)
    except ValueError:
        return False
    return text == plain(text)


def _hashes(copies: Sequence[ComponentCopy]) -> list[dict[str, str]]:
    """The file's hash, where all copies are the same whole file; otherwise see the occurrences."""
    contents = {copy.sha256 for copy in copies}
    whole = all(copy.extent == "full" and copy.method in _OF_THE_FILE for copy in copies)
    return [_hash(one) for one in contents if whole and len(contents) == 1 and is_sha256(one)]


def _identities(version: str, copies: Sequence[ComponentCopy]) -> list[dict[str, Any]]:
    purl = _purl(copies)
    named = {"field": "purl" if purl else "name", "concludedValue": purl or plain(copies[0].name)}
    told: list[dict[str, Any]] = [named]
    if version:
        told.append({"field": "version", "concludedValue": _version(version)})
    best: dict[str, ComponentCopy] = {}
    for copy in copies:
        if copy.method not in best or copy.confidence > best[copy.method].confidence:
            best[copy.method] = copy
    methods = [_method(copy) for _, copy in sorted(best.items())]
    surest = max(method["confidence"] for method in methods)
    return [{**one, "confidence": surest, "methods": methods, "tools": [_TOOL]} for one in told]


def _method(copy: ComponentCopy) -> dict[str, Any]:
    shown = next((one.excerpt for one in copy.evidence if one.excerpt), copy.path)
    return {
        "technique": _TECHNIQUES.get(copy.method, "other"),
        "confidence": min(max(copy.confidence, 0.0), 1.0),
        "value": plain(shown),
    }


def _occurrence(copy: ComponentCopy) -> dict[str, Any]:
    first = copy.evidence[0] if copy.evidence else None
    occurrence: dict[str, Any] = {"location": plain(copy.path) or "/"}
    if first is not None and first.offset is not None and first.offset >= 0:
        occurrence["offset"] = first.offset
    if first is not None and first.symbol:
        occurrence["symbol"] = plain(first.symbol)
    context = [f"recognised by {copy.method}"]
    context += [f"{copy.extent} copy"] if copy.extent else []
    context += [f"file SHA-256 {copy.sha256}"] if is_sha256(copy.sha256) else []
    occurrence["additionalContext"] = plain("; ".join(context))
    return occurrence


def _version(text: str) -> str:
    return plain(text)[:_LONGEST_VERSION]


def _hash(sha256: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": sha256}


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": plain(name), "value": plain(value)}
