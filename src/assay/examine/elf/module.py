"""What a kernel module says of itself, and whether it is signed.

Source: Linux, include/linux/module_signature.h and scripts/sign-file.c: PKCS#7 data, a 12-byte
structure, and a magic text stand behind the ELF file.
"""

import struct

import lief
from asn1crypto import cms

from assay.examine.elf.parse import section_bytes
from assay.model.observations import KernelModule

_MAGIC = b"~Module signature appended~\n"
_STRUCTURE = struct.Struct(">BBBBB3xI")
_PKCS7 = 2


def kernel_module(elf: lief.ELF.Binary, data: bytes) -> KernelModule:
    """Read `.modinfo` and the signature."""
    fields: dict[str, str] = {}
    for entry in section_bytes(elf, ".modinfo").split(b"\0"):
        key, _, value = entry.decode("utf-8", "backslashreplace").partition("=")
        fields.setdefault(key, value)
    return KernelModule(
        name=fields.get("name", ""),
        vermagic=fields.get("vermagic", "").strip(),
        license=fields.get("license", ""),
        signed=data.endswith(_MAGIC),
        signer=_signer(data) if data.endswith(_MAGIC) else "",
    )


def _signer(data: bytes) -> str:
    end = len(data) - len(_MAGIC) - _STRUCTURE.size
    _, _, kind, _, _, size = _STRUCTURE.unpack_from(data, end)
    if kind != _PKCS7 or size > end:
        return ""
    try:
        signed = cms.ContentInfo.load(data[end - size : end])["content"]
        issuer = signed["signer_infos"][0]["sid"].chosen["issuer"]
        return str(issuer.human_friendly)
    except (ValueError, TypeError, KeyError, IndexError):  # asn1crypto on malformed data
        return ""
