"""What vendors say of vulnerabilities: OpenVEX, CSAF (profile VEX) and CycloneDX VEX, read.

Sources: OpenVEX specification 0.2.0; OASIS CSAF 2.0, section 4.5 (profile 5: VEX) and section 3.2;
CycloneDX 1.6, `vulnerabilities[].analysis`. All three become the same statements; justifications
take OpenVEX's words, which are CISA's. The document's product is kept, not checked: who hands a
document in says that it speaks of the release.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from assay.exchange.text import plain
from assay.model.advisory import Statement
from assay.model.errors import InputError
from assay.model.known import identity

_MOST_BYTES = 64 << 20
_MOST_STATEMENTS = 500_000
_LONGEST = 1_000
_HINT = "read are OpenVEX, CSAF 2.0 (category csaf_vex or any with product_status), CycloneDX JSON"
_JSON = dict[str, Any]
Status = Literal["not_affected", "affected", "fixed", "under_investigation"]

_OPENVEX: dict[str, Status] = {
    "not_affected": "not_affected",
    "affected": "affected",
    "fixed": "fixed",
    "under_investigation": "under_investigation",
}
_CSAF: dict[str, Status] = {
    "known_not_affected": "not_affected",
    "known_affected": "affected",
    "first_affected": "affected",
    "last_affected": "affected",
    "fixed": "fixed",
    "first_fixed": "fixed",
    "recommended": "fixed",
    "under_investigation": "under_investigation",
}
_CYCLONEDX: dict[str, Status] = {
    "not_affected": "not_affected",
    "false_positive": "not_affected",
    "exploitable": "affected",
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "in_triage": "under_investigation",
}
_JUSTIFICATIONS = {
    "code_not_present": "vulnerable_code_not_present",
    "code_not_reachable": "vulnerable_code_not_in_execute_path",
    "requires_configuration": "vulnerable_code_cannot_be_controlled_by_adversary",
    "requires_dependency": "vulnerable_code_not_in_execute_path",
    "requires_environment": "vulnerable_code_cannot_be_controlled_by_adversary",
    "protected_by_compiler": "inline_mitigations_already_exist",
    "protected_at_runtime": "inline_mitigations_already_exist",
    "protected_at_perimeter": "inline_mitigations_already_exist",
    "protected_by_mitigating_control": "inline_mitigations_already_exist",
}


def read_vex(path: Path) -> tuple[Statement, ...]:
    """The statements of a document.

    Raises:
        InputError: it can't be read, is too large, malformed, or of no known form.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(str(path), f"larger than {_MOST_BYTES:,} bytes")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(str(path), f"can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), f"no JSON: {error}", hint=_HINT) from error
    return statements(document, path.name)


def statements(document: Any, name: str) -> tuple[Statement, ...]:
    """The statements of a parsed document; `name` is that of its file.

    Raises:
        InputError: it is malformed or of no known form.
    """
    if not isinstance(document, dict):
        raise InputError(name, "an object is expected", hint=_HINT)
    found: list[Statement] = []
    for statement in _all(document, name):
        found.append(statement)
        if len(found) > _MOST_STATEMENTS:
            raise InputError(name, f"more than {_MOST_STATEMENTS:,} statements")
    return tuple(dict.fromkeys(found))


def _all(document: _JSON, name: str) -> Iterator[Statement]:
    if "openvex" in str(document.get("@context", "")):
        yield from _openvex(document, name)
    elif document.get("bomFormat") == "CycloneDX":
        yield from _cyclonedx(document, name)
    elif isinstance(document.get("document"), dict) and "vulnerabilities" in document:
        yield from _csaf(document, name)
    else:
        raise InputError(name, "of no known form", hint=_HINT)


def _openvex(document: _JSON, name: str) -> Iterator[Statement]:
    author = f"{name} by {_text(document.get('author')) or 'unnamed'}"
    for one in _objects(document, "statements", name):
        status = _OPENVEX.get(_text(one.get("status")))
        told = one.get("vulnerability")
        # Version 0.0.1 had the bare name here.
        vulnerability = told if isinstance(told, dict) else {"name": told}
        ids = [_text(vulnerability.get("name")), *_texts(vulnerability.get("aliases"))]
        if status is None or not ids[0]:
            raise InputError(name, "a statement without vulnerability or known status")
        text = _text(one.get("impact_statement") or one.get("action_statement"))
        for product, component in _openvex_products(one, name):
            for each in filter(None, ids):
                yield Statement(
                    id=each,
                    status=status,
                    component=component[0],
                    version=component[1],
                    product=product,
                    justification=_text(one.get("justification")),
                    text=text or _text(one.get("status_notes")),
                    document=author,
                    made=_text(one.get("timestamp") or document.get("timestamp"))[:10],
                )


def _openvex_products(one: _JSON, name: str) -> Iterator[tuple[str, tuple[str, str]]]:
    products = list(_objects(one, "products", name)) or [{}]
    for product in products:
        label = _purl(product) or _text(product.get("@id"))
        parts = list(_objects(product, "subcomponents", name))
        for part in parts:
            yield label, component_of(_purl(part) or _text(part.get("@id")))
        if not parts:
            yield label, ("", "")


def _purl(product: _JSON) -> str:
    told = product.get("identifiers")
    return _text(told.get("purl")) if isinstance(told, dict) else ""


def component_of(purl: str) -> tuple[str, str]:
    """The component and version that a package URL names; empty where it is none."""
    if not purl.startswith("pkg:") or "/" not in purl:
        return "", ""
    bare = purl.split("?", 1)[0].split("#", 1)[0]
    path, _, version = bare.rpartition("@") if "@" in bare.rpartition("/")[2] else (bare, "", "")
    name = unquote(path.rpartition("/")[2])
    return identity(name, path), unquote(version)


def _csaf(document: _JSON, name: str) -> Iterator[Statement]:
    about = document["document"]
    publisher = about.get("publisher")
    by = _text(publisher.get("name")) if isinstance(publisher, dict) else ""
    author = f"{name} by {by or 'unnamed'}"
    products = _csaf_products(document)
    tracking = about.get("tracking")
    made = _text(tracking.get("current_release_date"))[:10] if isinstance(tracking, dict) else ""
    for one in _objects(document, "vulnerabilities", name):
        cve = _text(one.get("cve")) or _first_id(one)
        said = one.get("product_status")
        if not cve or not isinstance(said, dict):
            continue
        labels, texts = _csaf_flags(one, name), _csaf_texts(one, name)
        for member, status in _CSAF.items():
            for product in _texts(said.get(member)):
                component, version = products.get(product, ("", ""))
                yield Statement(
                    id=cve,
                    status=status,
                    component=component,
                    version=version,
                    product=product,
                    justification=labels.get(product, ""),
                    text=texts.get(product, ""),
                    document=author,
                    made=made,
                )


def _first_id(one: _JSON) -> str:
    ids = one.get("ids")
    first = ids[0] if isinstance(ids, list) and ids else None
    return _text(first.get("text")) if isinstance(first, dict) else ""


def _csaf_flags(one: _JSON, name: str) -> dict[str, str]:
    return {
        product: _text(flag.get("label"))
        for flag in _objects(one, "flags", name)
        for product in _texts(flag.get("product_ids"))
    }


def _csaf_texts(one: _JSON, name: str) -> dict[str, str]:
    return {
        product: _text(entry.get("details"))
        for member in ("remediations", "threats")
        for entry in _objects(one, member, name)
        for product in _texts(entry.get("product_ids"))
    }


def _csaf_products(document: _JSON) -> dict[str, tuple[str, str]]:
    """Component and version of each product id; of a relationship, those of its first part."""
    tree = document.get("product_tree")
    if not isinstance(tree, dict):
        return {}
    found: dict[str, tuple[str, str]] = {}
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            product = node.get("product", node)
            if isinstance(product, dict) and "product_id" in product:
                found[_text(product.get("product_id"))] = _csaf_component(product)
            for member in ("branches", "full_product_names"):
                listed = node.get(member)
                waiting += listed if isinstance(listed, list) else []
    for relation in _objects(tree, "relationships", "product_tree"):
        whole = relation.get("full_product_name")
        part = _text(relation.get("product_reference"))
        if isinstance(whole, dict):
            found[_text(whole.get("product_id"))] = found.get(part, ("", ""))
    return found


def _csaf_component(product: _JSON) -> tuple[str, str]:
    helper = product.get("product_identification_helper")
    return component_of(_text(helper.get("purl"))) if isinstance(helper, dict) else ("", "")


def _cyclonedx(document: _JSON, name: str) -> Iterator[Statement]:
    refs = {
        _text(one.get("bom-ref")): (
            identity(_text(one.get("name")), _text(one.get("purl"))),
            _text(one.get("version")),
        )
        for one in _objects(document, "components", name)
    }
    for one in _objects(document, "vulnerabilities", name):
        analysis = one.get("analysis")
        vulnerability = _text(one.get("id"))
        if not vulnerability or not isinstance(analysis, dict):
            continue
        status = _CYCLONEDX.get(_text(analysis.get("state")))
        if status is None:
            continue
        for affected in list(_objects(one, "affects", name)) or [{}]:
            ref = _text(affected.get("ref"))
            # A reference into another document ends with the reference there, often a purl.
            part = refs.get(ref) or component_of(unquote(ref.rpartition("#")[2]))
            justification = _text(analysis.get("justification"))
            yield Statement(
                id=vulnerability,
                status=status,
                component=part[0],
                version=part[1],
                product=ref,
                justification=_JUSTIFICATIONS.get(justification, justification),
                text=_text(analysis.get("detail")),
                document=name,
                made=_text(analysis.get("lastUpdated"))[:10],
            )


def _objects(holder: _JSON, member: str, name: str) -> Iterator[_JSON]:
    listed = holder.get(member)
    if listed is None:
        return
    if not isinstance(listed, list):
        raise InputError(name, f"{member}: a list is expected")
    for number, one in enumerate(listed):
        if not isinstance(one, dict):
            raise InputError(name, f"{member}[{number}]: an object is expected")
        yield one


def _texts(listed: Any) -> list[str]:
    return [_text(one) for one in listed if _text(one)] if isinstance(listed, list) else []


def _text(value: Any) -> str:
    return plain(value[:_LONGEST]) if isinstance(value, str) else ""
