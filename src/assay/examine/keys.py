"""Private keys, wherever in a file they stand.

How it works: fixed byte strings (PEM's and PuTTY's first words, the version numbers with which
DER keys open, the algorithm names of dropbear's keys) are searched in the whole content, text or
binary; around each hit the key is parsed, and only what parses as a private key is given. Binary
forms must also hold together (primes make the modulus, halves belong to each other), PEM must
decode to DER or OpenSSH's container.

Known false positives: test and example keys, and the self-test keys that cryptographic libraries
compile in, are private keys and are given as such; whether they protect anything isn't in the file.
Known false negatives: keys without any wrapping (32 raw bytes), in base64 without PEM's lines, split
or obfuscated; keys inside Java and PKCS #12 stores beyond the fact that the store is there.

Sources: see `assay.examine.secret_forms.keyforms`.
"""

from collections.abc import Iterator
from typing import Literal, cast

from assay.examine.contract import Content, Examiner
from assay.examine.secret_forms import keyforms
from assay.examine.secret_forms.keyforms import KeyFacts
from assay.examine.secret_forms.scan import MASK, Needles
from assay.model.observations import Evidence, Observation, PrivateKey, Unmeasured
from assay.model.tree import File

_MOST = 200
_READ = 1 << 16

_PEM = b"-----BEGIN "
_PUTTY = b"PuTTY-User-Key-File-"
# Version INTEGER and what follows it in PKCS #1 and DSA, PKCS #8, SEC 1, PKCS #12.
_DER = (
    b"\x02\x01\x00\x02\x82",
    b"\x02\x01\x00\x02\x81",
    b"\x02\x01\x00\x30",
    b"\x02\x01\x01\x04",
)
_STORE = b"\x02\x01\x03\x30"
_PBES2 = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"
_PKCS7 = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
_DROPBEAR = (
    b"\x07ssh-rsa\0\0",
    b"\x07ssh-dss\0\0",
    b"\x13ecdsa-sha2-nistp",
    b"\x0bssh-ed25519\0\0",
)
_NEEDLES = Needles((_PEM, _PUTTY, *_DER, _STORE, _PBES2, *_DROPBEAR))
_SHORTEST = 40

_Format = Literal["pem", "der", "openssh", "putty", "dropbear", "openvpn-static", "other"]


def _wants(file: File) -> bool:
    return file.has_content and file.size >= _SHORTEST


def _examine(content: Content, file: File) -> Iterator[Observation]:
    end = given = 0
    found = _NEEDLES.find(content.data)
    if not found.complete:
        yield Unmeasured(what="private keys", why="too many places that look like the start of one")
    for offset, number in found.hits:
        if offset < end:
            continue
        start, facts = _parse(content.data, offset, _NEEDLES.all[number])
        if facts is None:
            continue
        end = start + facts.length
        yield _observation(content, start, facts)
        given += 1
        if given >= _MOST:
            yield Unmeasured(what="private keys", why=f"more than {_MOST} in one file")
            return


def _parse(data: memoryview, offset: int, needle: bytes) -> tuple[int, KeyFacts | None]:
    if needle in _DER:
        return _der(data, offset)
    if needle in (_STORE, _PBES2):
        return _sealed_store(data, offset, needle)
    if needle in _DROPBEAR:
        start = offset - 3
        if start < 0 or data[start:offset] != b"\0\0\0":
            return start, None
        return start, keyforms.from_dropbear(bytes(data[start : start + _READ]))
    if needle == _PUTTY:
        return offset, keyforms.from_putty(bytes(data[offset : offset + _READ]))
    head = bytes(data[offset : offset + 60])
    if b"PRIVATE KEY-----" in head:
        return offset, keyforms.from_pem(bytes(data[offset : offset + _READ]))
    if head.startswith(b"-----BEGIN OpenVPN"):
        return offset, keyforms.from_openvpn(bytes(data[offset : offset + _READ]))
    return offset, None


def _der(data: memoryview, offset: int) -> tuple[int, KeyFacts | None]:
    """The sequence whose first member is the version at `offset`."""
    for header in (4, 3, 2):
        start = offset - header
        if start < 0 or data[start] != 0x30:  # noqa: PLR2004
            continue
        head = bytes(data[start : start + 8])
        length = keyforms.der_length(head)
        if length is None or not _SHORTEST <= length <= _READ or _header(head) != header:
            continue
        return start, keyforms.from_der(bytes(data[start : start + length]))
    return offset, None


def _header(head: bytes) -> int:
    return 2 if head[1] < 0x80 else 2 + (head[1] & 0x7F)  # noqa: PLR2004


def _sealed_store(data: memoryview, offset: int, needle: bytes) -> tuple[int, KeyFacts | None]:
    """A file that as a whole is a PKCS #12 store or an encrypted PKCS #8 key."""
    if offset > 8:  # noqa: PLR2004
        return offset, None
    length = keyforms.der_length(bytes(data[:8]))
    if length != len(data):
        return 0, None
    if needle == _STORE and _PKCS7 not in bytes(data[:48]):
        return 0, None
    form, algorithm = ("other", "PKCS #12") if needle == _STORE else ("der", "unknown")
    return 0, KeyFacts(form, algorithm, None, True, "", bytes(data[:_READ]), length)


_TITLES = {
    "pem": "-----BEGIN … PRIVATE KEY-----",
    "openssh": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "openvpn-static": "-----BEGIN OpenVPN … key-----",
    "putty": "PuTTY-User-Key-File",
    "der": "private key in DER",
    "dropbear": "dropbear host key",
    "other": "PKCS #12 store",
}


def _observation(content: Content, offset: int, facts: KeyFacts) -> PrivateKey:
    return PrivateKey(
        format=cast(_Format, facts.form),
        algorithm=facts.algorithm,
        bits=facts.bits,
        encrypted=facts.encrypted,
        public=facts.public,
        seal=content.seal(facts.secret),
        evidence=Evidence(offset=offset, excerpt=f"{_TITLES[facts.form]} {MASK}"),
    )


EXAMINER = Examiner(name="keys", version="1", wants=_wants, examine=_examine)
