"""Private keys, wherever in a file they stand.

How it works: fixed byte strings (PEM's and PuTTY's first words, the version numbers with which
DER keys open, the algorithm names of dropbear's keys) are searched in the whole content, text or
binary; around each hit the key is parsed, and only what parses as a private key is given. Binary
forms must also hold together (primes make the modulus, halves belong to each other), PEM must
decode to DER or OpenSSH's container.

Known false positives: test and example keys, and the self-test keys that cryptographic libraries
compile in, are private keys and are given as such; whether they protect anything can't be told.
Known false negatives: keys without any wrapping (32 raw bytes), in base64 without PEM's lines,
split or obfuscated; binary OpenPGP key rings; keys inside Java and PKCS #12 stores beyond the fact
that the store is there.

Sources: see `assay.examine.secret_forms.keyforms` and `.pgpforms`.
"""

from collections.abc import Callable, Iterator
from typing import Literal, cast

from assay.examine.contract import Content, Examiner
from assay.examine.secret_forms import keyforms, pgpforms
from assay.examine.secret_forms.keyforms import KeyFacts
from assay.examine.secret_forms.scan import MASK, Needles
from assay.model.observations import Evidence, Observation, PrivateKey, Unmeasured
from assay.model.tree import File

_MOST = 200
_READ = 1 << 16
_LONGEST_ARMOUR = 1 << 17

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
# Object identifiers of encryption by password: PKCS #5's (1.2.840.113549.1.5.*), PKCS #12's.
_PBES = (
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05",
    b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01",
)
_PKCS7 = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
_DROPBEAR = (
    b"\x07ssh-rsa\0\0",
    b"\x07ssh-dss\0\0",
    b"\x13ecdsa-sha2-nistp",
    b"\x0bssh-ed25519\0\0",
)
_GNUPG = (
    b"(private-key",
    b"(protected-private-key",
    b"(11:private-key",
    b"(21:protected-private-key",
)
_GNUPG_HEAD = 2048
_JAVA = b"\xfe\xed\xfe\xed"
_JAVA_VERSIONS = (b"\0\0\0\1", b"\0\0\0\2")
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
        start, facts = _PARSERS[_NEEDLES.all[number]](content.data, offset)
        if facts is None:
            continue
        end = start + facts.length
        yield _observation(content, start, facts)
        given += 1
        if given >= _MOST:
            yield Unmeasured(what="private keys", why=f"more than {_MOST} in one file")
            return


_Parsed = tuple[int, KeyFacts | None]


def _armoured(data: memoryview, offset: int) -> _Parsed:
    head = bytes(data[offset : offset + 60])
    if b"PRIVATE KEY-----" in head:
        return offset, keyforms.from_pem(bytes(data[offset : offset + _READ]))
    if head.startswith(b"-----BEGIN OpenVPN"):
        return offset, keyforms.from_openvpn(bytes(data[offset : offset + _READ]))
    if head.startswith(b"-----BEGIN PGP PRIVATE KEY BLOCK-----"):
        return offset, pgpforms.from_pgp(bytes(data[offset : offset + _LONGEST_ARMOUR]))
    return offset, None


def _gnupg(data: memoryview, offset: int) -> _Parsed:
    """GnuPG 2 keeps a key in a file of its own; elsewhere the words stand in its programs."""
    if offset > _GNUPG_HEAD:
        return offset, None
    return 0, pgpforms.from_gnupg(bytes(data[:_READ]))


def _java(data: memoryview, offset: int) -> _Parsed:
    """A Java key store (JKS), if it holds an entry of the kind 1, private key."""
    if offset != 0 or bytes(data[4:8]) not in _JAVA_VERSIONS or bytes(data[12:16]) != b"\0\0\0\1":
        return offset, None
    return 0, KeyFacts("other", "JKS", None, True, "", bytes(data[:_READ]), len(data))


def _putty(data: memoryview, offset: int) -> _Parsed:
    return offset, keyforms.from_putty(bytes(data[offset : offset + _READ]))


def _dropbear(data: memoryview, offset: int) -> _Parsed:
    """The name's length stands before it as 32 bits, of which the needle holds the last 8."""
    start = offset - 3
    if start < 0 or bytes(data[start:offset]) != b"\0\0\0":
        return offset, None
    return start, keyforms.from_dropbear(bytes(data[start : start + _READ]))


def _der(data: memoryview, offset: int) -> _Parsed:
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


def _store(data: memoryview, offset: int) -> _Parsed:
    """A file that as a whole is a PKCS #12 store (RFC 7292, section 4)."""
    if not _is_whole(data, offset) or _PKCS7 not in bytes(data[:48]):
        return offset, None
    return 0, KeyFacts("other", "PKCS #12", None, True, "", bytes(data[:_READ]), len(data))


def _encrypted_der(data: memoryview, offset: int) -> _Parsed:
    """A file that as a whole is an encrypted PKCS #8 key (RFC 5958, section 3)."""
    if not _is_whole(data, offset):
        return offset, None
    return 0, KeyFacts("der", "unknown", None, True, "", bytes(data[:_READ]), len(data))


def _is_whole(data: memoryview, offset: int) -> bool:
    return offset <= 8 and keyforms.der_length(bytes(data[:8])) == len(data)  # noqa: PLR2004


_PARSERS: dict[bytes, Callable[[memoryview, int], _Parsed]] = {
    _PEM: _armoured,
    _PUTTY: _putty,
    **dict.fromkeys(_DER, _der),
    _STORE: _store,
    **dict.fromkeys(_GNUPG, _gnupg),
    _JAVA: _java,
    **dict.fromkeys(_PBES, _encrypted_der),
    **dict.fromkeys(_DROPBEAR, _dropbear),
}
_NEEDLES = Needles(_PARSERS)


_TITLES = {
    "pem": "-----BEGIN … PRIVATE KEY-----",
    "openssh": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "openvpn-static": "-----BEGIN OpenVPN … key-----",
    "putty": "PuTTY-User-Key-File",
    "der": "private key in DER",
    "dropbear": "dropbear host key",
}


def _observation(content: Content, offset: int, facts: KeyFacts) -> PrivateKey:
    title = _TITLES.get(facts.form, f"{facts.algorithm} private key")
    return PrivateKey(
        format=cast(_Format, facts.form),
        algorithm=facts.algorithm,
        bits=facts.bits,
        encrypted=facts.encrypted,
        public=facts.public,
        seal=content.seal(facts.secret),
        evidence=Evidence(offset=offset, excerpt=f"{title} {MASK}"),
    )


EXAMINER = Examiner(name="keys", version="3", wants=_wants, examine=_examine)
