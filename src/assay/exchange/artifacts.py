"""SARIF's artifacts: the image, the containers found in it, and the files that results speak of.

Source: SARIF 2.1.0, sections 3.4 and 3.24. Files are artifacts of their own below the base
IMAGE_ROOT, because results must give a path that a reader can open in the unpacked image; section
3.4.4 allows no base for nested artifacts. So nesting is told of the containers: each has its
parent, offset and length, and a file names the one that it came out of in a property.
"""

from typing import Any

from assay.exchange.text import is_sha256, plain, relative_uri
from assay.model.evaluation import Evaluation
from assay.model.tree import Container, File

IMAGE_ROOT = "IMAGE_ROOT"
_IMAGE = 0


class Artifacts:
    """The list of artifacts, grown as places are asked for; the image is the first of them."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._files = {file.path: file for file in evaluation.tree.files}
        self._by_path: dict[str, int] = {"": _IMAGE}
        self._by_step: dict[tuple[int, Container], int] = {}
        self._sizes = {
            (region.path, region.offset): region.size for region in evaluation.tree.regions
        }
        self.listed: list[dict[str, Any]] = [_image(evaluation)]

    def physical(self, path: str, offset: int | None = None) -> dict[str, Any]:
        """A `physicalLocation`; an empty path is the image. Offsets below zero tell nothing."""
        place: dict[str, Any] = {"artifactLocation": self._location(path)}
        if offset is not None and offset >= 0:
            place["region"] = {"byteOffset": offset}
            if size := self._sizes.get((path, offset)):
                place["region"]["byteLength"] = size
        return place

    def _location(self, path: str) -> dict[str, Any]:
        index = self._by_path.get(path)
        if index is None:
            index = self._by_path[path] = len(self.listed)
            location = {"uri": relative_uri(path), "uriBaseId": IMAGE_ROOT, "index": index}
            self.listed.append({"location": location})
            if file := self._files.get(path):
                self.listed[index] |= self._details(file)
        told: dict[str, Any] = self.listed[index]["location"]
        return told

    def _details(self, file: File) -> dict[str, Any]:
        details: dict[str, Any] = {"properties": {"kind": file.kind.value}}
        if is_sha256(file.sha256):
            details |= {"length": file.size, "hashes": {"sha-256": file.sha256}}
        if file.containers:
            details["properties"]["containerIndex"] = self._container(file)
        return details

    def _container(self, file: File) -> int:
        """The index of the innermost container that a file came out of."""
        parent = _IMAGE
        for step in file.containers:
            if step.path in self._files and step.path != file.path:
                # A file of the tree holds it: the chain starts anew there.
                parent = self._location(step.path)["index"]
            parent = self._step(parent, step)
        return parent

    def _step(self, parent: int, step: Container) -> int:
        index = self._by_step.get((parent, step))
        if index is None:
            nested = {
                "parentIndex": parent,
                "offset": max(step.offset, 0),
                "length": max(step.size, -1),
                "description": {"text": plain(step.format) or "container"},
                "properties": {"heldBy": plain(step.path)},
            }
            index = self._by_step[parent, step] = len(self.listed)
            self.listed.append(nested)
        return index


def _image(evaluation: Evaluation) -> dict[str, Any]:
    subject = evaluation.subject
    image: dict[str, Any] = {
        "location": {"uri": relative_uri(subject.name), "index": _IMAGE},
        "length": subject.size,
        "roles": ["analysisTarget"],
    }
    if is_sha256(subject.sha256):
        image["hashes"] = {"sha-256": subject.sha256}
    return image
