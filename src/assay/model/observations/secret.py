"""Facts about secrets, certificates and accounts. No secret value is ever in them."""

from typing import Literal

from assay.model.base import Frozen
from assay.model.observations.base import Evidence


class PrivateKey(Frozen):
    """A private key. `public` is the SHA-256 of its SubjectPublicKeyInfo (DER), empty where it
    can't be read: of encrypted keys, OpenSSH's and PuTTY's forms alone tell it. `seal` is the
    workspace's keyed hash of the key's bytes."""

    type: Literal["private_key"] = "private_key"
    format: Literal["pem", "der", "openssh", "putty", "dropbear", "openvpn-static", "other"]
    algorithm: str
    bits: int | None = None
    encrypted: bool
    public: str = ""
    seal: str
    evidence: Evidence


class Certificate(Frozen):
    """An X.509 certificate. Dates are ISO 8601 in UTC; whether one is expired is judged later."""

    type: Literal["certificate"] = "certificate"
    subject: str
    issuer: str
    serial: str
    not_before: str
    not_after: str
    key_algorithm: str
    key_bits: int | None
    signature_hash: str
    self_signed: bool
    ca: bool
    public: str
    sha256: str
    evidence: Evidence


class Account(Frozen):
    """A line of passwd, shadow or a like file.

    `password` says what stands there: `hash` (see `scheme`), `empty` (no password asked),
    `locked`, `plain` (the value itself), `elsewhere` (x in passwd). `weak` says that the hash or
    value is that of a documented well-known default; `default` then names the list's entry,
    never the password. `seal` is the workspace's keyed hash of the field.
    """

    type: Literal["account"] = "account"
    user: str
    uid: int | None = None
    shell: str = ""
    password: Literal["hash", "empty", "locked", "plain", "elsewhere"]
    scheme: str = ""
    weak: bool = False
    default: str = ""
    seal: str = ""
    evidence: Evidence


class AuthorizedKey(Frozen):
    """A public key that may log in. `public` is the SHA-256 of the key blob."""

    type: Literal["authorized_key"] = "authorized_key"
    algorithm: str
    comment: str = ""
    public: str
    evidence: Evidence


class Credential(Frozen):
    """A password, token, shared key or the like that stands in a file.

    `category` is a stable name such as `wifi-psk`, `ppp-secret`, `tr069-password`,
    `snmp-community`, `url-credentials`, `curl-user`, `aws-access-key`, `generic-password`.
    `holder` tells whose it is where known (a user name, a URL's host, an SSID).
    """

    type: Literal["credential"] = "credential"
    category: str
    holder: str = ""
    seal: str
    evidence: Evidence
