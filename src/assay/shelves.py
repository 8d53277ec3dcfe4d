"""What the workspace does about signatures: a user's own over the shipped ones, and the rebuild.

Takes: the workspace's folder, upstream repositories. Gives: a shelf, examiners that read it, a
snapshot. Must not know: arguments, terminals, requests.
"""

from pathlib import Path

from assay.examine import EXAMINERS, Examiner
from assay.examine.components import examiner as components_examiner
from assay.knowledge.signatures.shelf import Shelf, build_snapshot
from assay.runner import process_pool

_BUILD_MEMORY = 16 << 30


def signature_shelf(folder: Path) -> Shelf:
    """A workspace's own signatures of components, over the shipped ones."""
    return Shelf(folder / "signatures")


def examiners(signatures: tuple[Path, ...]) -> tuple[Examiner, ...]:
    """All examiners, that of components with a user's own signatures."""
    if not signatures:
        return EXAMINERS
    own = components_examiner(tuple(str(file) for file in signatures))
    return tuple(own if one.name == own.name else one for one in EXAMINERS)


def rebuild_signatures(repositories: Path, out: Path, jobs: int) -> tuple[int, tuple[str, ...]]:
    """Build the snapshot that is shipped, out of a folder of upstream repositories.

    Returns:
        How many components it holds, and the names of those whose repository is not there.
    """
    with process_pool(_BUILD_MEMORY)(jobs) as executor:
        return build_snapshot(repositories, out, executor.map)
