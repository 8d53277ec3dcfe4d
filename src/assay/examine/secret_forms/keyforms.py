"""Private keys parsed into facts: PEM, DER, OpenSSH, PuTTY, dropbear.

Sources: RFC 7468 and RFC 1421 (PEM), RFC 8017 A.1.2 (RSA), RFC 5915 (EC), RFC 5958 (PKCS #8),
OpenSSH's PROTOCOL.key, PuTTY manual appendix C, dropbear's signkey format (RFC 4253 strings and
mpints with the private numbers behind the public ones).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from asn1crypto.core import ObjectIdentifier
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error, OverflowError)

_LABELS = {b"RSA ": "RSA", b"EC ": "EC", b"DSA ": "DSA"}
_SHORTEST_KEY = 32
_LONGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What one private key is. `secret` is what its seal is made from, `length` its bytes."""

    form: str
    algorithm: str
    bits: int | None
    encrypted: bool
    public: str
    secret: bytes
    length: int


def spki_hash(public: object) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo in DER."""
    encoded = public.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(encoded).hexdigest()


def algorithm_of(public: object) -> tuple[str, int | None]:
    """Name of a public key's algorithm and its size in bits."""
    if isinstance(public, rsa.RSAPublicKey):
        return "RSA", public.key_size
    if isinstance(public, ec.EllipticCurvePublicKey):
        return f"EC {public.curve.name}", public.key_size
    if isinstance(public, dsa.DSAPublicKey):
        return "DSA", public.key_size
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "Ed25519", 256
    if isinstance(public, ed448.Ed448PublicKey):
        return "Ed448", 448
    return type(public).__name__.lstrip("_").removesuffix("PublicKey"), None


def from_der(der: bytes) -> KeyFacts | None:
    """A key in DER that starts here: PKCS #1, PKCS #8, SEC 1, DSA. None for what is no key.

    An RSA key's primes must multiply to its modulus: compiled code that looks like DER's first
    bytes is told apart by that.
    """
    length = der_length(der)
    if length is None or length > len(der):
        return None
    der = der[:length]
    try:
        key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    except UNREADABLE:
        return None
    return _facts("der", key, length)


def _facts(form: str, key: object, length: int) -> KeyFacts | None:
    try:
        if isinstance(key, rsa.RSAPrivateKey) and not _whole(key):
            return None
        public = key.public_key()  # type: ignore[attr-defined]
        algorithm, bits = algorithm_of(public)
        return KeyFacts(form, algorithm, bits, False, spki_hash(public), _pkcs8(key), length)
    except UNREADABLE:
        return None


def _pkcs8(key: object) -> bytes:
    """One encoding for one key, so that its seal is the same in whatever form it was found."""
    encoded: bytes = key.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return encoded


def _whole(key: rsa.RSAPrivateKey) -> bool:
    numbers = key.private_numbers()
    return numbers.p * numbers.q == numbers.public_numbers.n


def der_length(der: bytes) -> int | None:
    """Bytes of the DER sequence that starts here, header and all."""
    if len(der) < 4 or der[0] != 0x30:  # noqa: PLR2004
        return None
    if der[1] < 0x80:  # noqa: PLR2004
        return 2 + der[1]
    count = der[1] & 0x7F
    if count not in (1, 2, 3):
        return None
    return 2 + count + int.from_bytes(der[2 : 2 + count], "big")


_PEM = re.compile(
    rb"-----BEGIN ((?:[A-Z0-9]+ ){0,4})PRIVATE KEY-----"
    rb"([A-Za-z0-9+/=\s\\:,.\"'-]{32,65000}?)-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY-----"
)


def from_pem(text: bytes) -> KeyFacts | None:
    """A PEM key that starts here; its lines may be indented, quoted or joined by `\\n`."""
    end, next_one = text.find(b"-----END "), text.find(b"-----BEGIN ", 1)
    if end < 0 or 0 < next_one < end:
        return None
    match = _PEM.match(text)
    if match is None:
        return None
    body = re.sub(rb"\\r|\\n\\?|[\"\\]", b"\n", match[2])
    lines = [line.strip(b" \t\r\"',;") for line in body.splitlines()]
    decoded = from_base64(b"".join(line for line in lines if b":" not in line))
    if decoded is None or len(decoded) < _SHORTEST_KEY:
        return None
    if decoded.startswith(_OPENSSH):
        return from_openssh(decoded, match.end())
    encrypted = b"ENCRYPTED" in match[1] or any(b"ENCRYPTED" in line for line in lines)
    return _unwrapped(_LABELS.get(match[1], "unknown"), decoded, match.end(), encrypted=encrypted)


def _unwrapped(algorithm: str, decoded: bytes, length: int, *, encrypted: bool) -> KeyFacts | None:
    """What PEM's lines held; a key of an algorithm that isn't supported is told by its label."""
    if encrypted:
        return KeyFacts("pem", algorithm, None, True, "", decoded, length)
    if (key := from_der(decoded)) is not None:
        return replace(key, form="pem", length=length)
    if der_length(decoded) != len(decoded):
        return None
    return KeyFacts("pem", _named(decoded) or algorithm, None, False, "", decoded, length)


def _named(der: bytes) -> str:
    """The algorithm that PKCS #8 names, of a key that the library can't read: GOST's, say."""
    match = _PKCS8_ALGORITHM.match(der)
    try:
        dotted = str(ObjectIdentifier.load(match[1]).dotted) if match else ""
        return _NAMED.get(dotted, dotted)
    except UNREADABLE:
        return ""


# RFC 4357, RFC 7091 and RFC 9215.
_NAMED = {
    "1.2.643.2.2.19": "GOST R 34.10-2001",
    "1.2.643.7.1.1.1.1": "GOST R 34.10-2012 (256 bits)",
    "1.2.643.7.1.1.1.2": "GOST R 34.10-2012 (512 bits)",
}
# Version 0, then the algorithm's sequence, which opens with its object identifier.
_PKCS8_ALGORITHM = re.compile(
    rb"\x30.{1,4}?\x02\x01\x00\x30.{1,3}?(\x06[\x03-\x10].{3,16})", re.DOTALL
)


def from_base64(encoded: bytes) -> bytes | None:
    """The bytes that base64 without blanks stands for, None where it isn't that."""
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return None


_OPENSSH = b"openssh-key-v1\0"


def from_openssh(blob: bytes, length: int) -> KeyFacts | None:
    """The decoded body of an OpenSSH private key."""
    reader = _Reader(blob, len(_OPENSSH))
    try:
        cipher, _kdf, _options = reader.string(), reader.string(), reader.string()
        reader.number()
        public = reader.string()
    except ValueError:
        return None
    algorithm, bits, spki = ssh_public(public)
    encrypted = cipher != b"none"
    secret = blob if encrypted else _openssh_secret(blob)
    return KeyFacts("openssh", algorithm, bits, encrypted, spki, secret, length)


def _openssh_secret(blob: bytes) -> bytes:
    """The key without its wrapping, which holds a comment and random numbers."""
    armoured = b"-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n"
    try:
        key = serialization.load_ssh_private_key(armoured % base64.encodebytes(blob).strip(), None)
        return _pkcs8(key)
    except UNREADABLE:
        return blob


def ssh_public(blob: bytes) -> tuple[str, int | None, str]:
    """Algorithm, bits and SPKI hash of an SSH public key blob; the hash is empty if unreadable."""
    try:
        name = _Reader(blob).string()
    except ValueError:
        return "unknown", None, ""
    try:
        key = serialization.load_ssh_public_key(name + b" " + base64.b64encode(blob))
    except UNREADABLE:
        return name.decode("ascii", "replace")[:40], None, ""
    algorithm, bits = algorithm_of(key)
    return algorithm, bits, spki_hash(key)


_PUTTY = re.compile(
    rb"PuTTY-User-Key-File-[123]: ([\w@.-]{1,60})\r?\nEncryption: ([\w-]{1,40})\r?\n"
    rb"Comment: [^\n]{0,500}\nPublic-Lines: \d{1,3}\r?\n([A-Za-z0-9+/=\r\n]{1,9000})"
    rb"(?:(?:Key-Derivation|Argon2-)[^\n]{0,200}\n){0,6}"
    rb"Private-Lines: \d{1,3}\r?\n([A-Za-z0-9+/=\r\n]{1,9000})"
)


def from_putty(text: bytes) -> KeyFacts | None:
    """A PuTTY .ppk that starts here."""
    match = _PUTTY.match(text)
    if match is None:
        return None
    public = from_base64(b"".join(match[3].split())) or b""
    private = b"".join(match[4].split())
    algorithm, bits, spki = ssh_public(public)
    return KeyFacts("putty", algorithm, bits, match[2] != b"none", spki, private, match.end())


_STATIC = re.compile(
    rb"-----BEGIN OpenVPN (Static key V1|tls-crypt-v2 (?:server|client) key)-----"
    rb"([A-Za-z0-9+/=\s]{64,5000}?)-----END OpenVPN"
)


def from_openvpn(text: bytes) -> KeyFacts | None:
    """An OpenVPN static or tls-crypt-v2 key that starts here."""
    match = _STATIC.match(text)
    if match is None:
        return None
    body = b"".join(match[2].split())
    if len(set(body)) < 8:  # noqa: PLR2004 - a form filled with one letter
        return None
    return KeyFacts("openvpn-static", "shared", len(body) * 4, False, "", body, match.end())


class _Reader:
    """Strings and numbers of RFC 4251, section 5."""

    def __init__(self, blob: bytes, offset: int = 0) -> None:
        self.blob, self.offset = blob, offset

    def number(self) -> int:
        if self.offset + 4 > len(self.blob):
            raise ValueError("ends within a number")
        value = int.from_bytes(self.blob[self.offset : self.offset + 4], "big")
        self.offset += 4
        return value

    def string(self) -> bytes:
        length = self.number()
        if length > _LONGEST or self.offset + length > len(self.blob):
            raise ValueError("ends within a string")
        self.offset += length
        return self.blob[self.offset - length : self.offset]

    def mpint(self) -> int:
        return int.from_bytes(self.string(), "big")


def from_dropbear(blob: bytes) -> KeyFacts | None:
    """A dropbear host key that starts here; None for a public key, which is as long as that."""
    reader = _Reader(blob)
    try:
        name = reader.string()
        build = next(build for prefix, build in _DROPBEAR.items() if name.startswith(prefix))
        key = build(reader)
    except (*UNREADABLE, StopIteration):
        return None
    return _facts("dropbear", key, reader.offset)


def _dropbear_rsa(reader: _Reader) -> object:
    e, n, d, p, q = (reader.mpint() for _ in range(5))
    if p * q != n or p < 2 or q < 2:  # noqa: PLR2004
        raise ValueError("primes that do not make the modulus")
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(e, n)
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _dropbear_dss(reader: _Reader) -> object:
    p, q, g, y, x = (reader.mpint() for _ in range(5))
    if pow(g, x, p) != y:
        raise ValueError("halves that do not belong together")
    public = dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g))
    return dsa.DSAPrivateNumbers(x, public).private_key()


_CURVES: dict[bytes, type[ec.EllipticCurve]] = {
    b"nistp256": ec.SECP256R1,
    b"nistp384": ec.SECP384R1,
    b"nistp521": ec.SECP521R1,
}


def _dropbear_ecdsa(reader: _Reader) -> object:
    curve, point = reader.string(), reader.string()
    if curve not in _CURVES:
        raise ValueError("an unknown curve")
    key = ec.derive_private_key(reader.mpint(), _CURVES[curve]())
    expected = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve](), point)
    if key.public_key().public_numbers() != expected.public_numbers():
        raise ValueError("halves that do not belong together")
    return key


def _dropbear_ed25519(reader: _Reader) -> object:
    both = reader.string()
    key = ed25519.Ed25519PrivateKey.from_private_bytes(both[:32])
    if key.public_key().public_bytes_raw() != both[32:]:
        raise ValueError("halves that do not belong together")
    return key


_DROPBEAR: dict[bytes, Callable[[_Reader], object]] = {
    b"ssh-rsa": _dropbear_rsa,
    b"ssh-dss": _dropbear_dss,
    b"ecdsa-sha2-": _dropbear_ecdsa,
    b"ssh-ed25519": _dropbear_ed25519,
}
