"""U-Boot's FIT: a flattened device tree whose `/images` nodes carry payloads.

Source: U-Boot, doc/usage/fit/source_file_format; the tree itself: Devicetree Specification 0.4.
The `fdt` library parses it. External data (`data-position`, `data-offset`) lies behind the tree.
"""

import struct
from pathlib import Path

import fdt
from unblob.file_utils import File, InvalidInputFormat
from unblob.models import (
    Extractor,
    Handler,
    HandlerDoc,
    HandlerType,
    HexString,
    Reference,
    ValidChunk,
)

_HEADER = struct.Struct(">10I")
_KNOWN_VERSIONS = range(16, 18)
_MAX_TREE_BYTES = 1 << 30


class FitExtractor(Extractor):
    """Writes each payload under its node's name."""

    def extract(self, inpath: Path, outdir: Path) -> None:
        blob = inpath.read_bytes()
        total = _HEADER.unpack_from(blob)[1]
        try:
            tree = fdt.parse_dtb(blob[:total])
            images = tree.get_node("/images").nodes if tree.exist_node("/images") else []
        except Exception as error:  # the library raises bare ones
            raise InvalidInputFormat(f"device tree: {error}") from error
        for node in images:
            data = _payload(node, blob, total)
            if data:
                (outdir / _file_name(node.name)).write_bytes(data)


def _payload(node: fdt.Node, blob: bytes, total: int) -> bytes:
    inline = node.get_property("data")
    if inline is not None:
        return _raw(inline)
    size = _word(node, "data-size")
    position = _word(node, "data-position")
    if position is None:
        offset = _word(node, "data-offset")
        position = None if offset is None else offset + (total + 3 & ~3)
    if size is None or position is None:
        return b""
    return blob[position : position + size]


def _raw(prop: fdt.items.Property) -> bytes:
    if isinstance(prop, fdt.PropBytes):
        return bytes(prop.data)
    if isinstance(prop, fdt.PropWords):
        return struct.pack(f">{len(prop.data)}I", *prop.data)
    if isinstance(prop, fdt.PropStrings):
        return b"".join(text.encode() + b"\0" for text in prop.data)
    return b""


def _word(node: fdt.Node, name: str) -> int | None:
    prop = node.get_property(name)
    return int(prop.data[0]) if isinstance(prop, fdt.PropWords) and prop.data else None


def _file_name(name: str) -> str:
    return name.replace("/", "_").lstrip(".") or "payload"


class FitHandler(Handler[Extractor]):
    """Recognises a flattened device tree that has images in it."""

    NAME = "fit"
    PATTERNS = [HexString("D0 0D FE ED")]
    EXTRACTOR = FitExtractor()
    DOC = HandlerDoc(
        name="U-Boot FIT image",
        description="Flattened image tree: kernels, device trees and file systems in one file.",
        handler_type=HandlerType.BOOTLOADER,
        vendor=None,
        references=[Reference(title="U-Boot FIT", url="https://docs.u-boot.org/")],
        limitations=[],
    )

    def calculate_chunk(self, file: File, start_offset: int) -> ValidChunk | None:
        file.seek(start_offset)
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise InvalidInputFormat("header is cut off")
        _, total, structure, strings, _, version, _, _, strings_size, size = _HEADER.unpack(header)
        inside = structure + size <= total and strings + strings_size <= total
        if not inside or version not in _KNOWN_VERSIONS or total > _MAX_TREE_BYTES:
            raise InvalidInputFormat("not a device tree's header")
        file.seek(start_offset)
        tree = file.read(total)
        if b"\0\0\0\1images\0" not in tree:
            return None  # a plain device tree carries no files
        end = start_offset + max(total, _external_end(tree, total))
        return ValidChunk(start_offset=start_offset, end_offset=min(end, file.size()))


def _external_end(tree: bytes, total: int) -> int:
    if b"data-size\0" not in tree:
        return total
    try:
        parsed = fdt.parse_dtb(tree)
        ends = [_end_of(node, total) for node in parsed.get_node("/images").nodes]
    except Exception:  # noqa: BLE001 (the library raises bare ones; the tree alone is left)
        return total
    return max(ends, default=total)


def _end_of(node: fdt.Node, total: int) -> int:
    size = _word(node, "data-size") or 0
    position = _word(node, "data-position")
    if position is None:
        position = (_word(node, "data-offset") or 0) + (total + 3 & ~3)
    return position + size
