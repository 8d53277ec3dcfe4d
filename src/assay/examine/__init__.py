"""Examiners: one module each, listed here by hand; a test fails for one that is not.

Takes: one file's content and its tree entry. Gives: observations. Must not know: the rest of the
tree, the clock, the file system, thresholds, other examiners.
"""

from assay.examine import (
    accounts,
    calls,
    certificates,
    changelogs,
    components,
    configuration,
    credentials,
    executable,
    kernel,
    keys,
    packages,
    services,
)
from assay.examine.contract import Content, ExamineError, Examiner

EXAMINERS: tuple[Examiner, ...] = (
    executable.EXAMINER,
    calls.EXAMINER,
    components.EXAMINER,
    keys.EXAMINER,
    certificates.EXAMINER,
    accounts.EXAMINER,
    credentials.EXAMINER,
    services.EXAMINER,
    configuration.EXAMINER,
    kernel.EXAMINER,
    packages.EXAMINER,
    changelogs.EXAMINER,
)

__all__ = ["EXAMINERS", "Content", "ExamineError", "Examiner"]
