"""Bytes to a safe tree: the only caller of unpackers.

Takes: an image (file or directory), a scratch folder, limits. Gives: the tree, and where each
content lies in the scratch folder. Must not know: what the files mean.
"""

from assay.intake.doctor import Extractor, Protection, extractors, protections
from assay.intake.limits import Limits
from assay.intake.unpack import INTAKE_VERSION, Unpacked, fingerprint, unpack

__all__ = [
    "INTAKE_VERSION",
    "Extractor",
    "Limits",
    "Protection",
    "Unpacked",
    "extractors",
    "fingerprint",
    "protections",
    "unpack",
]
