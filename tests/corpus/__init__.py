"""Real material for tests, the demo and benchmarks, built from Debian packages and PyPI wheels.

Nothing of it is committed; see README.md.
"""

from tests.corpus.apt import CorpusError
from tests.corpus.binaries import (
    binaries,
    debs,
    netboot_initrd,
    netboot_kernel,
    static_binaries,
    wheels,
)
from tests.corpus.router import Router, router

__all__ = [
    "CorpusError",
    "Router",
    "binaries",
    "debs",
    "netboot_initrd",
    "netboot_kernel",
    "router",
    "static_binaries",
    "wheels",
]
