"""The lists of functions by family and safety: shipped data, and users' own in the same form."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from assay.model.errors import DataError
from assay.model.functions import Family, FunctionClass, FunctionClasses, Safety

_SHIPPED = "functions.yaml"
_HINT = "see docs on function lists; the form is that of the shipped functions.yaml"
_GROUP_KEYS = {"names", "source", "note"}


def load_functions(extra: Path | None = None) -> FunctionClasses:
    """The shipped list; what a user's own file says of a function replaces what it says.

    Args:
        extra: a YAML file in the form of the shipped one; its `version` is added to the list's.

    Raises:
        DataError: the file can't be read or is malformed; names the file and the entry.
    """
    text = resources.files("assay.knowledge").joinpath("data", _SHIPPED).read_text("utf-8")
    shipped = parse_functions(text, _SHIPPED)
    if extra is None:
        return shipped
    try:
        own = parse_functions(extra.read_text("utf-8"), str(extra))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{extra}: can't be read: {error}") from error
    merged = shipped.by_name() | own.by_name()
    return FunctionClasses(
        version=f"{shipped.version}+{own.version}",
        functions=tuple(merged[name] for name in sorted(merged)),
    )


def parse_functions(text: str, origin: str) -> FunctionClasses:
    """Read one list. `origin` names it in errors.

    Raises:
        DataError: not YAML, an unknown family, safety or key, a name given twice.
    """
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{origin}: not YAML: {error}", _HINT) from error
    top = _mapping(document, origin, "the file")
    if not isinstance(top.get("version"), str):
        raise DataError(f"{origin}: version: a text in quotes is expected", _HINT)
    sources = _mapping(top.get("sources") or {}, origin, "sources")
    families = {family.value for family in Family}
    if unknown := [key for key in top if key not in families | {"version", "sources"}]:
        raise DataError(f"{origin}: {unknown[0]}: no such family", _HINT)
    functions: dict[str, FunctionClass] = {}
    for family in Family:
        for function in _family(top.get(family.value) or {}, family, sources, origin):
            if function.name in functions:
                raise DataError(f"{origin}: {family}: {function.name} is listed twice", _HINT)
            functions[function.name] = function
    return FunctionClasses(
        version=top["version"], functions=tuple(functions[name] for name in sorted(functions))
    )


def _family(
    value: object, family: Family, sources: dict[str, Any], origin: str
) -> Iterator[FunctionClass]:
    known = {safety.value for safety in Safety}
    for safety, groups in _mapping(value, origin, family).items():
        where = f"{family}.{safety}"
        if safety not in known:
            raise DataError(
                f"{origin}: {where}: safety is one of {', '.join(sorted(known))}", _HINT
            )
        if not isinstance(groups, list):
            raise DataError(f"{origin}: {where}: a list of groups is expected", _HINT)
        for number, group in enumerate(groups, start=1):
            entry = f"{where}, group {number}"
            yield from _group(group, (family, Safety(safety)), sources, (origin, entry))


def _group(
    value: object, kind: tuple[Family, Safety], sources: dict[str, Any], where: tuple[str, str]
) -> Iterator[FunctionClass]:
    origin, entry = where
    group = _mapping(value, origin, entry)
    if unknown := sorted(group.keys() - _GROUP_KEYS):
        raise DataError(f"{origin}: {entry}: unknown key {unknown[0]}", _HINT)
    source, note, names = group.get("source"), group.get("note", ""), group.get("names")
    if not isinstance(source, str) or not source:
        raise DataError(f"{origin}: {entry}: source: the document that says so is missing", _HINT)
    if not isinstance(note, str):
        raise DataError(f"{origin}: {entry}: note: a text is expected", _HINT)
    if not isinstance(names, list) or not names:
        raise DataError(f"{origin}: {entry}: names: a list of function names is expected", _HINT)
    text = sources.get(source, source)
    for name in names:
        if not isinstance(name, str) or not name or not isinstance(text, str):
            raise DataError(f"{origin}: {entry}: {name!r}: a function's name is a text", _HINT)
        yield FunctionClass(name=name, family=kind[0], safety=kind[1], source=text, note=note)


def _mapping(value: object, origin: str, entry: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise DataError(f"{origin}: {entry}: keys and values are expected", _HINT)
    return value
