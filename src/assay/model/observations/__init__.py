"""Typed facts about one file's content, with where in the file each was seen.

Takes: nothing. Gives: the observation types and their union. Must not know: who makes them.
"""

from typing import Annotated

from pydantic import Field, TypeAdapter

from assay.model.observations.base import EXCERPT_LIMIT, Evidence, Unmeasured
from assay.model.observations.component import ChangeLog, ComponentSighting
from assay.model.observations.executable import (
    OFFSETS_KEPT,
    CalledFunction,
    Calls,
    CodeHardening,
    Executable,
    Hardening,
    KernelModule,
)
from assay.model.observations.secret import (
    Account,
    AuthorizedKey,
    Certificate,
    Credential,
    PrivateKey,
)
from assay.model.observations.system import KernelImage, Service, Weakness

Observation = Annotated[
    Executable
    | Calls
    | CodeHardening
    | KernelModule
    | PrivateKey
    | Certificate
    | Account
    | AuthorizedKey
    | Credential
    | Service
    | Weakness
    | KernelImage
    | ComponentSighting
    | ChangeLog
    | Unmeasured,
    Field(discriminator="type"),
]

OBSERVATIONS: TypeAdapter[tuple[Observation, ...]] = TypeAdapter(tuple[Observation, ...])

__all__ = [
    "EXCERPT_LIMIT",
    "OBSERVATIONS",
    "OFFSETS_KEPT",
    "Account",
    "AuthorizedKey",
    "CalledFunction",
    "Calls",
    "Certificate",
    "ChangeLog",
    "CodeHardening",
    "ComponentSighting",
    "Credential",
    "Evidence",
    "Executable",
    "Hardening",
    "KernelImage",
    "KernelModule",
    "Observation",
    "PrivateKey",
    "Service",
    "Unmeasured",
    "Weakness",
]
