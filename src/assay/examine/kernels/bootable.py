"""Boot formats that carry a compressed kernel: x86 bzImage, EFI zboot, ARM zImage.

How it works: the formats' headers say where the compressed kernel lies; ARM's says only where the
whole begins and ends, so every magic number near its start is tried there.

Known false negatives: payloads in LZ4 and LZO (told as such); bzImages of protocols before 2.08
(2008), whose headers give the version alone.

Sources: the kernel's Documentation/arch/x86/boot.rst, drivers/firmware/efi/libstub/zboot-header.S,
arch/arm/boot/compressed/head.S; scripts/extract-vmlinux (magic numbers).
"""

import bz2
import lzma
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import zstandard

MOST_BYTES = 256 << 20
"""Of a decompressed kernel that are looked at; those of distributions have 20 MB to 100 MB."""

_MOST_MEMORY = 256 << 20
_ARM_MAGIC = 0x016F2818
_ARM_SEARCHED = 64 << 10
_ARM_TRIED = 8
_SECTOR = 512
_OLDEST_WITH_PAYLOAD = 0x0208
_OLDEST_WITH_VERSION = 0x0200
_DEFAULT_SETUP_SECTORS = 4
_LONGEST_VERSION = 256


@dataclass(frozen=True, slots=True)
class Bootable:
    """`text` is the version of a header that has one, at `text_offset`; `payloads` are offset and
    end of what may be the compressed kernel."""

    format: str
    payloads: tuple[tuple[int, int], ...]
    text: str = ""
    text_offset: int = 0


class PayloadError(Exception):
    """A payload can't be decompressed; the message says why."""


def _gunzip(payload: memoryview) -> tuple[bytes, bool]:
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    return stream.decompress(payload, MOST_BYTES), stream.eof


def _unxz(payload: memoryview) -> tuple[bytes, bool]:
    stream = lzma.LZMADecompressor(memlimit=_MOST_MEMORY)
    return stream.decompress(payload, MOST_BYTES), stream.eof


def _bunzip2(payload: memoryview) -> tuple[bytes, bool]:
    stream = bz2.BZ2Decompressor()
    return stream.decompress(payload, MOST_BYTES), stream.eof


def _unzstd(payload: memoryview) -> tuple[bytes, bool]:
    stream = zstandard.ZstdDecompressor(max_window_size=_MOST_MEMORY).stream_reader(payload)
    content = stream.read(MOST_BYTES)
    return content, len(content) < MOST_BYTES


_SCHEMES: tuple[tuple[bytes, str, Callable[[memoryview], tuple[bytes, bool]] | None], ...] = (
    (b"\x1f\x8b\x08", "gzip", _gunzip),
    (b"\xfd7zXZ\x00", "xz", _unxz),
    (b"\x28\xb5\x2f\xfd", "zstd", _unzstd),
    (b"BZh", "bzip2", _bunzip2),
    (b"\x5d\x00\x00", "lzma", _unxz),
    (b"\x02\x21\x4c\x18", "lz4", None),
    (b"\x89LZO", "lzo", None),
)
_ANY_MAGIC = re.compile(b"|".join(re.escape(magic) for magic, _, _ in _SCHEMES))


def bootable(data: memoryview) -> Bootable | None:
    """What the headers say, None where the data is none of the formats."""
    return _bzimage(data) or _zboot(data) or _zimage(data)


def _bzimage(data: memoryview) -> Bootable | None:
    if len(data) < 2 * _SECTOR or bytes(data[0x1FE:0x200]) != b"\x55\xaa":
        return None
    if bytes(data[0x202:0x206]) != b"HdrS":
        return None
    protocol, pointer = struct.unpack_from("<H", data, 0x206)[0], _u16(data, 0x20E)
    if protocol < _OLDEST_WITH_VERSION:
        return None
    text_offset = _SECTOR + pointer
    text = bytes(data[text_offset : text_offset + _LONGEST_VERSION]).split(b"\x00")[0]
    payloads: tuple[tuple[int, int], ...] = ()
    if protocol >= _OLDEST_WITH_PAYLOAD:
        offset, size = struct.unpack_from("<II", data, 0x248)
        begin = ((data[0x1F1] or _DEFAULT_SETUP_SECTORS) + 1) * _SECTOR + offset
        payloads = ((begin, begin + size),)
    shown = text.decode("utf-8", "backslashreplace") if pointer else ""
    return Bootable("bzImage", payloads, shown, text_offset)


def _zboot(data: memoryview) -> Bootable | None:
    if bytes(data[:2]) != b"MZ" or bytes(data[4:8]) != b"zimg" or len(data) < _SECTOR:
        return None
    offset, size = struct.unpack_from("<II", data, 8)
    return Bootable("EFI zboot image", ((offset, offset + size),))


def _zimage(data: memoryview) -> Bootable | None:
    if len(data) < _SECTOR or int.from_bytes(data[0x24:0x28], "little") != _ARM_MAGIC:
        return None
    magics = _ANY_MAGIC.finditer(bytes(data[:_ARM_SEARCHED]))
    starts = [match.start() for match in magics][:_ARM_TRIED]
    return Bootable("zImage", tuple((start, len(data)) for start in starts))


def decompressed(data: memoryview, begin: int, end: int) -> bytes:
    """A payload's content; what follows the compressed stream is left aside.

    Raises:
        PayloadError: the scheme is not known or not read here, the stream is broken or too long.
    """
    payload = data[begin:end]
    for magic, name, read in _SCHEMES:
        if bytes(payload[: len(magic)]) == magic:
            if read is None:
                raise PayloadError(f"the kernel is compressed by {name}, which is not read here")
            return _whole(payload, read, name)
    raise PayloadError(f"no known compression at offset {begin:#x}")


def _whole(
    payload: memoryview, read: Callable[[memoryview], tuple[bytes, bool]], name: str
) -> bytes:
    try:
        content, ended = read(payload)
    except (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError) as error:
        raise PayloadError(f"the {name} stream is broken: {error}") from error
    if not ended:
        raise PayloadError(f"the {name} stream does not end within {MOST_BYTES:,} bytes")
    return content


def _u16(data: memoryview, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 2], "little")
