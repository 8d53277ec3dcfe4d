"""Measures: named numbers and sets that criteria are written over."""

from enum import StrEnum

from assay.model.base import Frozen

Value = int | float | tuple[str, ...] | None
"""A measure's value. None means *not measured*: never zero, never fine."""


class Unit(StrEnum):
    """What a measure's value counts."""

    COUNT = "count"
    BYTES = "bytes"
    SHARE = "share"  # 0 to 1
    SET = "set"
    BITS = "bits"
    DAYS = "days"
    MONTHS = "months"


class MeasureInfo(Frozen):
    """A measure as it is listed: its dotted name, unit and meaning."""

    name: str
    unit: Unit
    meaning: str


def nest(flat: dict[str, Value]) -> dict[str, object]:
    """Dotted names as nested objects: `{"a.b": 1}` becomes `{"a": {"b": 1}}`.

    Raises:
        ValueError: one name is a prefix of another, so that a value would need to be an object.
    """
    root: dict[str, object] = {}
    for name, value in sorted(flat.items()):
        *parents, leaf = name.split(".")
        node = root
        for parent in parents:
            child = node.setdefault(parent, {})
            if not isinstance(child, dict):
                raise ValueError(f"measure {name} stands below a measure with a value")
            node = child
        if leaf in node:
            raise ValueError(f"measure {name} stands above another measure")
        node[leaf] = value
    return root


def flatten(nested: dict[str, object], prefix: str = "") -> dict[str, object]:
    """The inverse of `nest`."""
    flat: dict[str, object] = {}
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat
