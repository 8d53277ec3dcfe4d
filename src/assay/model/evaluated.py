"""What comes of evaluating an image: the evaluation, and what of it stays in the workspace."""

from dataclasses import dataclass

from assay.model.evaluation import Evaluation


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A secret by the workspace's keyed hash: what it is, and in which file."""

    seal: str
    what: str
    path: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation and the seals of the secrets in it.

    `lasting` is false where a limit, a missing extractor or a worker's death cut it short: another
    try may get further.
    """

    evaluation: Evaluation
    seals: tuple[SealedSecret, ...]
    lasting: bool = True
