"""X.509 certificates, in PEM or DER, wherever in a file they stand.

How it works: PEM's first line and the DER bytes of a version 3 certificate's version are searched
in the whole content; what parses there is a certificate. A DER file that as a whole is a version 1
certificate is taken too. Facts only: whether a date has passed is judged later.

Known false positives: none known; what is given parsed as X.509. Known false negatives: version 1
certificates inside other bytes, certificates in base64 without PEM's lines, in compressed data,
in PKCS #7 and PKCS #12 where encrypted.

Sources: RFC 5280, RFC 7468.
"""

import base64
import binascii
import hashlib
import re
import warnings
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from assay.examine.contract import Content, Examiner
from assay.examine.secret_forms.keyforms import UNREADABLE, algorithm_of, der_length, spki_hash
from assay.examine.secret_forms.scan import Needles
from assay.model.observations import Certificate, Evidence, Observation, Unmeasured
from assay.model.tree import File

_MOST = 1000
_LONGEST = 1 << 16
_SHORTEST = 64

_PEM = b"-----BEGIN "
_VERSION = b"\xa0\x03\x02\x01\x02\x02"  # [0] { INTEGER 2 }, then the serial number's tag
_NEEDLES = Needles((_PEM, _VERSION))
_BLOCK = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([A-Za-z0-9+/=\s\\\"',]{64,90000}?)"
    rb"-----END (?:TRUSTED |X509 )?CERTIFICATE-----"
)
_JOINTS = re.compile(rb"\\r|\\n|[\s\\\"',]")


def _wants(file: File) -> bool:
    return file.has_content and file.size >= _SHORTEST


def _examine(content: Content, file: File) -> Iterator[Observation]:
    data = content.data
    end = given = 0
    for start, der, length in _candidates(data):
        if start < end:
            continue
        observation = _read(der, start)
        if observation is None:
            continue
        end = start + length
        yield observation
        given += 1
        if given >= _MOST:
            yield Unmeasured(what="certificates", why=f"more than {_MOST} in one file")
            return


def _candidates(data: memoryview) -> Iterator[tuple[int, bytes, int]]:
    """Where a certificate may start, its DER, and how many bytes of the content it takes."""
    if der_length(bytes(data[:8])) == len(data) <= _LONGEST:
        yield 0, bytes(data), len(data)
    for offset, number in _NEEDLES.find(data).hits:
        if number == 0:
            yield from _armoured(data, offset)
        else:
            yield from _bare(data, offset)


def _armoured(data: memoryview, offset: int) -> Iterator[tuple[int, bytes, int]]:
    if b"CERTIFICATE-----" not in bytes(data[offset : offset + 48]):
        return
    match = _BLOCK.match(data[offset : offset + 2 * _LONGEST])
    if match is None:
        return
    try:
        der = base64.b64decode(_JOINTS.sub(b"", match[1]), validate=True)
    except binascii.Error:
        return
    length = der_length(der)  # a TRUSTED certificate has OpenSSL's trust settings behind it
    yield offset, der[:length], match.end()


def _bare(data: memoryview, offset: int) -> Iterator[tuple[int, bytes, int]]:
    for outer, inner in ((4, 4), (4, 3), (3, 3), (3, 2)):
        start = offset - outer - inner
        if start < 0 or data[start] != 0x30 or data[start + outer] != 0x30:  # noqa: PLR2004
            continue
        length = der_length(bytes(data[start : start + 8]))
        if length is not None and _SHORTEST <= length <= min(_LONGEST, len(data) - start):
            yield start, bytes(data[start : start + length]), length


def _read(der: bytes, offset: int) -> Certificate | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of serial numbers that RFC 5280 disallows
            return _facts(x509.load_der_x509_certificate(der), der, offset)
    except (*UNREADABLE, x509.InvalidVersion, x509.DuplicateExtension):
        return None


def _facts(certificate: x509.Certificate, der: bytes, offset: int) -> Certificate:
    try:
        key = certificate.public_key()
        (algorithm, bits), public = algorithm_of(key), spki_hash(key)
    except UNREADABLE:
        algorithm, bits, public = certificate.public_key_algorithm_oid.dotted_string, None, ""
    subject = _name(certificate.subject)
    return Certificate(
        subject=subject,
        issuer=_name(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
        not_before=_date(certificate.not_valid_before_utc),
        not_after=_date(certificate.not_valid_after_utc),
        key_algorithm=algorithm,
        key_bits=bits,
        signature_hash=_hash(certificate),
        self_signed=_self_signed(certificate),
        ca=_authority(certificate),
        public=public,
        sha256=hashlib.sha256(der).hexdigest(),
        evidence=Evidence(offset=offset, excerpt=f"certificate of {subject}"[:160]),
    )


def _name(name: x509.Name) -> str:
    """RFC 4514's form, or the common name alone where that would be very long."""
    text = name.rfc4514_string()
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    shown = str(common[0].value) if len(text) > 300 and common else text  # noqa: PLR2004
    return "".join(char if char.isprintable() else "·" for char in shown[:300])


def _date(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _hash(certificate: x509.Certificate) -> str:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UNREADABLE:
        return certificate.signature_algorithm_oid.dotted_string
    return algorithm.name if algorithm is not None else "none"


def _self_signed(certificate: x509.Certificate) -> bool:
    """By the signature, and by the names alone where the algorithm is not supported."""
    if certificate.issuer != certificate.subject:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except InvalidSignature:
        return False
    except UNREADABLE:
        return True
    return True


def _authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, *UNREADABLE):
        return False


EXAMINER = Examiner(name="certificates", version="1", wants=_wants, examine=_examine)
