"""Rules are data: one YAML file a theme, conditions in CEL. This module reads them."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from assay.expression import Expression, Scope
from assay.model.errors import DataError
from assay.model.finding import RuleInfo, Severity

SCOPE = Scope({"o": "map", "file": "map", "m": "map", "as_of": "string"})
_TEXTS = ("id", "title", "severity_reason", "cwe", "remedy", "practice")
_KEYS = {*_TEXTS, "over", "when", "subject", "identity", "severity"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to be applied: what it says, what it looks over, and its expressions."""

    info: RuleInfo
    over: str
    when: Expression
    subject: Expression
    identity: Expression


def load_rules() -> tuple[Rule, ...]:
    """The rules that ship, in the order of themes and files.

    Raises:
        DataError: a rule is malformed; names file and rule.
    """
    folder = resources.files(__name__)
    files = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".yaml")),
        key=lambda entry: entry.name,
    )
    rules = [rule for file in files for rule in parse_rules(file.read_text("utf-8"), file.name)]
    _refuse_twins(rules)
    return tuple(rules)


def parse_rules(text: str, name: str) -> list[Rule]:
    """The rules of one file; its name without suffix is their theme."""
    try:
        # The C loader: pure Python takes longer over these texts than all rules take to run.
        entries = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.YAMLError as error:
        raise DataError(f"{name}: {error}") from error
    if not isinstance(entries, list):
        raise DataError(f"{name}: must be a list of rules")
    return [_rule(entry, name) for entry in entries]


def _rule(entry: Any, name: str) -> Rule:
    if not isinstance(entry, dict) or "id" not in entry:
        raise DataError(f"{name}: every rule needs an id")
    origin = f"{name}: {entry['id']}"
    if wrong := sorted(set(entry) - _KEYS):
        raise DataError(f"{origin}: unknown key {wrong[0]}")
    if missing := [key for key in (*_TEXTS, "over", "when", "severity") if not entry.get(key)]:
        raise DataError(f"{origin}: {missing[0]} is missing")
    if entry["severity"] not in list(Severity):
        raise DataError(f"{origin}: no such severity: {entry['severity']}")
    texts = {key: " ".join(str(entry[key]).split()) for key in _TEXTS}
    default_identity = '""' if entry["over"] == "measures" else "file.stem"
    return Rule(
        info=RuleInfo(
            theme=name.removesuffix(".yaml"), severity=Severity(entry["severity"]), **texts
        ),
        over=entry["over"],
        when=SCOPE.compile(str(entry["when"]), "bool", origin),
        subject=SCOPE.compile(str(entry.get("subject", '""')), "string", origin),
        identity=SCOPE.compile(str(entry.get("identity", default_identity)), "string", origin),
    )


def _refuse_twins(rules: Iterable[Rule]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.info.id in seen:
            raise DataError(f"rule {rule.info.id} stands twice")
        seen.add(rule.info.id)
