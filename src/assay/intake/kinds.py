"""What a file is, judged by its first bytes."""

from assay.model.tree import Kind

HEAD_BYTES = 4096

_EXECUTABLE_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x7fELF", Kind.ELF),
    (b"MZ", Kind.PE),
    (b"\xfe\xed\xfa\xce", Kind.MACHO),
    (b"\xfe\xed\xfa\xcf", Kind.MACHO),
    (b"\xce\xfa\xed\xfe", Kind.MACHO),
    (b"\xcf\xfa\xed\xfe", Kind.MACHO),
)

# Formats that hold no files and whose compressed payload would only yield chance hits.
_OPAQUE_MAGIC: tuple[bytes, ...] = (
    b"\x89PNG\r\n",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x00\x01\x00\x00\x00",
    b"OTTO",
    b"wOFF",
    b"wOF2",
    b"\xde\x12\x04\x95",
    b"\x95\x04\x12\xde",
    b"SQLite format 3",
    b"%PDF",
    b"\xca\xfe\xba\xbe",
)

_PYC_HEADER = 16
_TEXT_BYTES = frozenset(range(0x20, 0x7F)) | {0x07, 0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x1B}
_TEXT_TABLE = bytes(sorted(_TEXT_BYTES | set(range(0x80, 0x100))))


def kind_of(head: bytes) -> Kind:
    """The kind of a file with content, from its first `HEAD_BYTES` bytes.

    A Java class and a Mach-O fat binary share their magic: neither is called an executable here.
    """
    if not head:
        return Kind.EMPTY
    for magic, kind in _EXECUTABLE_MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"#!"):
        return Kind.SCRIPT
    return Kind.TEXT if _is_text(head) else Kind.DATA


def may_contain_files(kind: Kind, head: bytes) -> bool:
    """Whether it is worth looking for containers in a file of the tree."""
    if kind is not Kind.DATA:
        return False
    return not head.startswith(_OPAQUE_MAGIC) and not _is_python_bytecode(head)


def _is_text(head: bytes) -> bool:
    return not head.translate(None, _TEXT_TABLE)


def _is_python_bytecode(head: bytes) -> bool:
    # CPython's magic number: two version bytes, then CR LF.
    return head[2:4] == b"\r\n" and len(head) >= _PYC_HEADER
