"""What the vendor says (VEX), set beside what was measured. It hides nothing.

A statement is held against every vulnerability of its id (or an alias) and of its component, where
it names one. It is contradicted where it says that the component is not there while a copy was
found, that it is fixed while a copy's release is among those affected, or that the vulnerable code
is not there while the source files of the build hold it.
"""

from collections.abc import Iterable, Sequence

from assay.model.advisory import Statement
from assay.model.known import Known, KnownVulnerability, VendorClaim

_ABSENT = "component_not_present"
_NO_CODE = "vulnerable_code_not_present"


def with_statements(known: Known, statements: Iterable[Statement]) -> Known:
    """Every vulnerability with what the vendor says of it."""
    by_id: dict[str, list[Statement]] = {}
    for one in statements:
        by_id.setdefault(one.id, []).append(one)
    if not by_id:
        return known
    answered = tuple(_answered(one, by_id) for one in known.vulnerabilities)
    return known.model_copy(update={"vulnerabilities": answered})


def _answered(
    vulnerability: KnownVulnerability, by_id: dict[str, list[Statement]]
) -> KnownVulnerability:
    names = dict.fromkeys((vulnerability.id, *vulnerability.aliases))
    fitting = [
        one
        for name in names
        for one in by_id.get(name, ())
        if one.component in ("", vulnerability.component)
    ]
    if not fitting:
        return vulnerability
    return vulnerability.model_copy(update={"vendor": tuple(_claims(vulnerability, fitting))})


def _claims(
    vulnerability: KnownVulnerability, fitting: Sequence[Statement]
) -> Iterable[VendorClaim]:
    for one in fitting:
        yield VendorClaim(
            status=one.status,
            justification=one.justification,
            text=one.text,
            document=one.document,
            contradiction=contradiction(vulnerability, one),
        )


def contradiction(vulnerability: KnownVulnerability, statement: Statement) -> str:
    """Where the measurement shows otherwise than the statement says; empty where it does not."""
    first = vulnerability.paths[0] if vulnerability.paths else ""
    releases = ", ".join(vulnerability.releases)
    component = vulnerability.component
    if statement.status == "not_affected" and statement.justification == _ABSENT:
        return f"{component} {releases} was found in {first}"
    if vulnerability.state != "affected":
        return ""
    if statement.status == "fixed":
        fix = f", and the fix is in {vulnerability.fixed_in[0]}" if vulnerability.fixed_in else ""
        return f"{first} carries {component} {releases}{fix}"
    if statement.justification == _NO_CODE and vulnerability.files:
        return f"the build of {component} {releases} contains {vulnerability.files[0]}"
    return ""
