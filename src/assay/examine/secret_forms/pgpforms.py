"""OpenPGP private keys parsed into facts: armoured, and as GnuPG keeps them.

Sources: RFC 4880; GnuPG, agent/keyformat.txt.
"""

import re

from assay.examine.secret_forms.keyforms import KeyFacts, from_base64

_SHORTEST = 32

_PGP = re.compile(
    rb"-----BEGIN PGP PRIVATE KEY BLOCK-----([A-Za-z0-9+/=\s:.,()@-]{64,130000}?)"
    rb"-----END PGP PRIVATE KEY BLOCK-----"
)
_SECRET_KEY_PACKET = 5


def from_pgp(text: bytes) -> KeyFacts | None:
    """An armoured OpenPGP secret key that starts here (RFC 4880, 5.5.3 and 6.2)."""
    match = _PGP.match(text)
    if match is None:
        return None
    lines = re.split(rb"\n[ \t]*\r?\n", match[1], maxsplit=1)[-1].split()
    body = from_base64(b"".join(line for line in lines if not line.startswith(b"=")))
    if body is None or len(body) < _SHORTEST:
        return None
    tag, start = _packet(body)
    if tag != _SECRET_KEY_PACKET or start + 6 > len(body):
        return None
    encrypted = _pgp_usage(body, start + 6) != 0
    return KeyFacts("other", "OpenPGP", None, encrypted, "", body, match.end())


def _packet(body: bytes) -> tuple[int, int]:
    """The first packet's tag, and where its content starts (RFC 4880, 4.2)."""
    if body[0] & 0x40:
        return body[0] & 0x3F, 2 if body[1] < 192 else 3 if body[1] < 224 else 6  # noqa: PLR2004
    return (body[0] & 0x3C) >> 2, 1 + (1, 2, 4, 0)[body[0] & 3]


# By algorithm (RFC 4880, 9.1): whether a curve's identifier comes first, how many numbers follow.
_PGP_PUBLIC = {
    1: (False, 2),
    2: (False, 2),
    3: (False, 2),
    16: (False, 3),
    17: (False, 4),
    19: (True, 1),
    22: (True, 1),
}


def _pgp_usage(body: bytes, offset: int) -> int | None:
    """The octet behind the public part that is 0 where the secret part is not encrypted."""
    curve, numbers = _PGP_PUBLIC.get(body[offset - 1], (False, None))
    if numbers is None:
        return None
    if curve and offset < len(body):
        offset += 1 + body[offset]
    for _ in range(numbers):
        bits = int.from_bytes(body[offset : offset + 2], "big")
        offset += 2 + (bits + 7) // 8
    return body[offset] if offset < len(body) else None


_GNUPG = re.compile(
    rb"(?:[\w-]{1,40}: [^\0]{0,2000}?)?\((?:11:|21:)?(protected-)?private-key\s*"
    rb"\((?:\d:)?(rsa|dsa|ecc|elg)"
)


def from_gnupg(text: bytes) -> KeyFacts | None:
    """A file of GnuPG's private-keys-v1.d (GnuPG, agent/keyformat.txt)."""
    match = _GNUPG.match(text)
    if match is None:
        return None
    algorithm = f"OpenPGP {match[2].decode()}"
    return KeyFacts("other", algorithm, None, match[1] is not None, "", text, len(text))
