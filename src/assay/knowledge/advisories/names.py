"""By which names other databases know the components: CPE pairs, products, packages."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

import yaml

from assay.knowledge.version_strings import load_version_strings
from assay.model.errors import DataError

_SHIPPED = "names.yaml"
_PARTS_OF_CPE = 7
_KIND_OF_CPE = re.compile(r"[aoh]")


def component_of(vendor: str, product: str) -> str:
    """The component that a vendor's product is; empty where it is none that is known.

    Downstream products that carry a component are not it: only its own name counts, with a
    vendor that is named in the table, or named as the product is (`x:x`, `x_project:x`, `gnu:x`).
    """
    vendor, product = _plain(vendor), _plain(product)
    pairs, products = _names()
    if f"{vendor}:{product}" in pairs:
        return pairs[f"{vendor}:{product}"]
    own = {product, f"{product}_project", f"{product}project", "gnu", "n/a", ""}
    return products.get(product, "") if vendor in own else ""


def component_of_cpe(name: str) -> tuple[str, str]:
    """The component and the version that a CPE 2.3 name gives; empty where there is none.

    NVD writes patch levels in the update: `9.3:p1` is 9.3p1, `1.9.5:patch1` is 1.9.5p1.
    """
    parts = re.split(r"(?<!\\):", name)
    if len(parts) < _PARTS_OF_CPE or not _KIND_OF_CPE.fullmatch(parts[2]):
        return "", ""
    vendor, product, version, update = (_unescaped(part) for part in parts[3:7])
    if version in ("*", "-"):
        return component_of(vendor, product), version
    return component_of(vendor, product), version + _update(update)


def component_of_package(name: str) -> str:
    """The component that a distribution's package carries; its own name where none is known."""
    return _packages().get(name, name)


def _update(update: str) -> str:
    if update in ("*", "-", ""):
        return ""
    if match := re.fullmatch(r"(?:patch|p|pl)_?([0-9]+)", update):
        return f"p{match[1]}"
    return update if len(update) == 1 else f"-{update}"


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _plain(text: str) -> str:
    return text.strip().lower().replace(" ", "_")


@cache
def _packages() -> Mapping[str, str]:
    return load_version_strings().names()


@cache
def _names() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The table: component by CPE pair, and by product name."""
    text = resources.files("assay.knowledge").joinpath("data/advisories", _SHIPPED)
    try:
        table = yaml.safe_load(text.read_text("utf-8"))
        pairs = {pair: name for name, listed in table["names"].items() for pair in listed}
        never = set(table["never"])
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{_SHIPPED}: {error}") from error
    products = {pair.partition(":")[2]: name for pair, name in pairs.items()}
    products |= {name.lower().replace("-", "_"): name for name in _packages()}
    products |= {name: name for name in set(_packages().values())}
    products |= {name: name for name in table["names"]}
    kept = {pair: name for pair, name in pairs.items() if pair not in never}
    return kept, products
