"""A component's signature out of its source: every release, each distinct file read once."""

from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np

from assay.knowledge.signatures.origins import Origin, files_origin, git_origin
from assay.knowledge.signatures.recipes import Recipe, is_code
from assay.knowledge.signatures.signature import (
    EXPRESSION,
    NAME,
    NAME_CLASS,
    TABLE,
    TABLE_CLASS,
    TEXT,
    About,
    Signature,
    intervals,
    kind_of,
    text_class,
)
from assay.knowledge.signatures.source import Source, read_source
from assay.knowledge.signatures.tables import hash_tables
from assay.knowledge.signatures.text import SHORTEST, hash_names, hash_text, hash_texts
from assay.model.errors import InputError

MOST_FILES = 0xFFFF
"""Source files that a signature can tell apart; so many of those with the most releases stay."""

_Features = dict[int, int]
"""Hashes → kinds, of one file's content."""


def build_signature(recipe: Recipe, places: list[Path]) -> Signature:
    """Read a git repository, or else tarballs or folders, one for each release.

    Raises:
        InputError: a place can't be read or tells no release.
    """
    if len(places) == 1 and _is_repository(places[0]):
        origin = git_origin(places[0], recipe.version, recipe.wanted, recipe.folder)
    else:
        origin = files_origin(places, recipe.version, recipe.wanted)
    return signature_of(recipe, origin)


def _is_repository(place: Path) -> bool:
    return (place / ".git").exists() or ((place / "objects").is_dir() and (place / "HEAD").exists())


def signature_of(recipe: Recipe, origin: Origin) -> Signature:
    """Fold the features of all files into one signature."""
    by_path = _by_path(origin)
    paths = sorted(by_path, key=lambda path: (-_releases(by_path[path]), path))[:MOST_FILES]
    seen: dict[int, tuple[int, int, int, int]] = {}
    for number, path in enumerate(paths):
        for feature, (kind, releases) in by_path[path].items():
            count = releases.bit_count()
            known = seen.get(feature)
            if known is None:
                seen[feature] = (kind, number, count, releases)
            else:
                place, most = (number, count) if count > known[2] else (known[1], known[2])
                seen[feature] = (kind, place, most, releases | known[3])
    return _packed(recipe, origin, paths, seen)


_OfPath = dict[int, tuple[int, int]]
"""Hashes → kind and releases, in one source file."""


def _by_path(origin: Origin) -> dict[str, _OfPath]:
    """Every path's features. Blobs are read in the order of paths, so that few stay in memory."""
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for (path, blob), releases in sorted(origin.blobs.items()):
        places[blob].append((path, releases))
    found: dict[str, _OfPath] = defaultdict(dict)
    for blob, held in places.items():
        content = origin.read(blob)
        if content is None:
            continue
        features = _features(read_source(content, code=is_code(held[0][0])))
        for path, releases in held:
            of_path = found[path]
            for feature, kind in (*features.items(), *_path_features(path)):
                known = of_path.get(feature)
                of_path[feature] = (kind, releases | known[1] if known else releases)
    return {path: features for path, features in found.items() if features}


def _features(source: Source) -> _Features:
    texts, names = sorted(source.texts), sorted(source.names)
    said = sorted(source.expressions)
    found: _Features = {}
    for feature, text in zip(hash_texts(said).tolist(), said, strict=True):
        found[feature] = kind_of(EXPRESSION, text_class(text))
    for feature, text in zip(hash_texts(texts).tolist(), texts, strict=True):
        found[feature] = kind_of(TEXT, text_class(text))
    for feature in hash_names(names).tolist():
        found[feature] = kind_of(NAME, NAME_CLASS)
    if source.tables:
        for feature in hash_tables(sorted(source.tables)).tolist():
            found[feature] = kind_of(TABLE, TABLE_CLASS)
        found.pop(0, None)  # tables that begin with zeros can't be looked for
    return found


@cache
def _path_features(path: str) -> tuple[tuple[int, int], ...]:
    """A file's own name, which `__FILE__` leaves in a binary: with its folders, and without."""
    if not is_code(path) or not path.isascii() or not path.isprintable():
        return ()
    names = {name for name in (path, path.rpartition("/")[2]) if len(name) >= SHORTEST}
    return tuple(
        (hash_text(name.encode()), kind_of(TEXT, int("/" in name))) for name in sorted(names)
    )


def _releases(features: _OfPath) -> int:
    together = 0
    for _, releases in features.values():
        together |= releases
    return together.bit_count()


def _packed(
    recipe: Recipe, origin: Origin, paths: list[str], seen: dict[int, tuple[int, int, int, int]]
) -> Signature:
    if not seen:
        raise InputError(recipe.name, "no feature found in its source")
    ordered = sorted(seen)
    sets: dict[int, int] = {}
    for feature in ordered:
        sets.setdefault(seen[feature][3], len(sets))
    runs = [intervals(releases) for releases in sets]
    starts = np.zeros(len(runs) + 1, np.uint32)
    np.cumsum([len(one) for one in runs], out=starts[1:])
    return Signature(
        about=About(
            name=recipe.name,
            purl=recipe.purl_of(""),
            repository=recipe.repository,
            family=recipe.family or recipe.name,
            core=recipe.core,
            releases=origin.releases,
        ),
        paths=tuple(paths),
        hashes=np.array(ordered, np.uint64),
        kinds=np.array([seen[feature][0] for feature in ordered], np.uint8),
        files=np.array([seen[feature][1] for feature in ordered], np.uint16),
        sets=np.array([sets[seen[feature][3]] for feature in ordered], np.uint32),
        starts=starts,
        bounds=np.array([pair for one in runs for pair in one], np.uint16).reshape(-1, 2),
    )
