"""Private keys in every form, each written by the tool whose form it is.

What must be said of a key is taken from `openssl pkey` and `ssh-keygen`, not from the examiner.
"""

import base64
import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.planted_secrets import Planted, body_lines, letters, run, tool

PASSPHRASE = "Opq7Rst8Uvw9"


class KeyTruth(NamedTuple):
    """What the tool that made a key says of it; `public` is the SHA-256 of its SPKI."""

    planted: Planted
    format: str
    algorithm: str
    bits: int | None
    encrypted: bool
    public: str


def spki(key: Path) -> str:
    """SHA-256 of the SubjectPublicKeyInfo of an unencrypted key that OpenSSL reads."""
    return hashlib.sha256(
        run("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER")
    ).hexdigest()


def _ssh_spki(public: bytes, folder: Path) -> str:
    """The same of an SSH public key; OpenSSH writes RSA and EC as PKCS #8, Ed25519 it doesn't."""
    words = public.split()
    if words[0] == b"ssh-ed25519":
        raw = base64.b64decode(words[1])[-32:]
        return hashlib.sha256(bytes.fromhex("302a300506032b6570032100") + raw).hexdigest()
    path = folder / "public.pub"
    path.write_bytes(public)
    pem = run("ssh-keygen", "-e", "-m", "PKCS8", "-f", path)
    der = run("openssl", "pkey", "-pubin", "-outform", "DER", stdin=pem)
    return hashlib.sha256(der).hexdigest()


def openssl_keys(folder: Path) -> list[KeyTruth]:
    """Keys of OpenSSL's: each algorithm in PEM of both kinds, in DER, and encrypted."""
    made: list[KeyTruth] = []
    for name, words, algorithm, bits in (
        ("rsa", ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "RSA", 2048),
        ("ec", ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"), "EC secp256r1", 256),
        ("ed25519", ("-algorithm", "ED25519"), "Ed25519", 256),
        ("dsa", ("-paramfile", _dsa_parameters(folder)), "DSA", 1024),
    ):
        key = folder / f"{name}.pem"
        run("openssl", "genpkey", *words, "-out", key)
        public = spki(key)
        for form, encrypted, extra in _WRITTEN:
            if "-traditional" in extra and name == "ed25519":
                continue
            content = run("openssl", "pkey", "-in", key, "-outform", form, *extra)
            path = f"etc/ssl/private/{name}-{len(made)}.{form.lower()}"
            planted = Planted(path, content, (content, *body_lines(content)), form.lower())
            made.append(
                KeyTruth(
                    planted,
                    form.lower(),
                    _label(algorithm, extra) if encrypted else algorithm,
                    None if encrypted else bits,
                    encrypted,
                    "" if encrypted else public,
                )
            )
    return made


def _label(algorithm: str, extra: tuple[str, ...]) -> str:
    """An encrypted key's algorithm is told by the old form's first line alone."""
    return algorithm.split(maxsplit=1)[0] if "-traditional" in extra else "unknown"


_LOCK = ("-aes-128-cbc", "-passout", f"pass:{PASSPHRASE}")
_WRITTEN: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
    ("PEM", False, ()),
    ("PEM", False, ("-traditional",)),
    ("PEM", True, _LOCK),
    ("PEM", True, ("-traditional", *_LOCK)),
    ("DER", False, ()),
    ("DER", False, ("-traditional",)),
)


def _dsa_parameters(folder: Path) -> Path:
    path = folder / "dsa-parameters.pem"
    size = ("-pkeyopt", "dsa_paramgen_bits:1024")
    run("openssl", "genpkey", "-genparam", "-algorithm", "DSA", *size, "-out", path)
    return path


_SSH = (
    ("rsa", "2048", "RSA", 2048),
    ("ecdsa", "256", "EC secp256r1", 256),
    ("ecdsa", "521", "EC secp521r1", 521),
    ("ed25519", "256", "Ed25519", 256),
)


def openssh_keys(folder: Path) -> Iterator[KeyTruth]:
    """Of ssh-keygen, with and without a passphrase: the public half stands in the clear."""
    for kind, size, algorithm, bits in _SSH:
        for passphrase in ("", PASSPHRASE):
            key = folder / f"id_{kind}_{size}_{len(passphrase)}"
            run("ssh-keygen", "-q", "-t", kind, "-b", size, "-N", passphrase, "-f", key)
            content = key.read_bytes()
            planted = Planted(f"root/.ssh/{key.name}", content, (content.strip(),), "openssh")
            public = _ssh_spki(key.with_suffix(".pub").read_bytes(), folder)
            yield KeyTruth(planted, "openssh", algorithm, bits, bool(passphrase), public)


def putty_keys(folder: Path) -> Iterator[KeyTruth]:
    """Of puttygen, in both versions of its form that are in use."""
    empty, phrase = folder / "empty", folder / "phrase"
    empty.write_text("")
    phrase.write_text(PASSPHRASE + "\n")
    for kind, algorithm, bits in (("rsa", "RSA", 2048), ("ed25519", "Ed25519", 256)):
        for version, secret in ((2, empty), (3, phrase)):
            key = folder / f"{kind}{version}{secret.name}.ppk"
            size = ("-b", str(bits)) if kind == "rsa" else ()
            parameter = ("--ppk-param", f"version={version}")
            out = ("-o", key, "--new-passphrase", secret, "-q")
            tool("puttygen", "-t", kind, *size, *parameter, *out)
            content = key.read_bytes()
            public = _ssh_spki(tool("puttygen", key, "-L", "--old-passphrase", secret), folder)
            private = re.split(rb"Private-Lines: \d+\n", content)[1].split(b"\nPrivate-MAC")[0]
            planted = Planted(f"home/x/{key.name}", content, (content[:20], private), "putty")
            yield KeyTruth(planted, "putty", algorithm, bits, secret is phrase, public)


def dropbear_keys(folder: Path) -> Iterator[KeyTruth]:
    """Of dropbearkey, as they lie in /etc/dropbear."""
    for kind, size, algorithm, bits in _SSH:
        key = folder / f"dropbear_{kind}_{size}"
        sized = () if kind == "ed25519" else ("-s", size)
        tool("dropbearkey", "-t", kind, *sized, "-f", key)
        shown = tool("dropbearkey", "-y", "-f", key).decode()
        public = next(line for line in shown.splitlines() if line.startswith(("ssh-", "ecdsa-")))
        content = key.read_bytes()
        planted = Planted(f"etc/dropbear/{key.name}", content, (content,), "dropbear")
        spki_hash = _ssh_spki(public.encode() + b"\n", folder)
        yield KeyTruth(planted, "dropbear", algorithm, bits, False, spki_hash)


def stores(folder: Path) -> Iterator[KeyTruth]:
    """Files that hold a key beside other things, or by an agent's rules."""
    key, certificate = folder / "store.key", folder / "store.crt"
    made = ("-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", certificate)
    run("openssl", "req", "-x509", *made)
    pair = ("-inkey", key, "-in", certificate, "-passout", f"pass:{PASSPHRASE}")
    yield _whole("etc/ssl/x.p12", run("openssl", "pkcs12", "-export", *pair), "other", "PKCS #12")
    der = run("openssl", "pkcs8", "-topk8", "-in", key, "-outform", "DER", *pair[4:])
    yield _whole("etc/ssl/x.p8", der, "der", "unknown")
    old = ("-v1", "PBE-SHA1-3DES")
    der = run("openssl", "pkcs8", "-topk8", "-in", key, "-outform", "DER", *old, *pair[4:])
    yield _whole("etc/ssl/old.p8", der, "der", "unknown")
    text = "-----BEGIN OpenVPN Static key V1-----\n{}\n-----END OpenVPN Static key V1-----\n"
    rows = [letters(f"row {number}", 32, "0123456789abcdef") for number in range(16)]
    content = text.format("\n".join(rows)).encode()
    planted = Planted(
        "etc/openvpn/ta.key", content, (content.strip(), rows[0].encode()), "openvpn-static"
    )
    yield KeyTruth(planted, "openvpn-static", "shared", 2048, False, "")
    if shutil.which("gpg"):
        yield from _gnupg(folder)
    if shutil.which("keytool"):
        yield _java(folder)


def _whole(
    path: str, content: bytes, form: str, algorithm: str, *, encrypted: bool = True
) -> KeyTruth:
    return KeyTruth(Planted(path, content, (content,), form), form, algorithm, None, encrypted, "")


def _gnupg(folder: Path) -> Iterator[KeyTruth]:
    for kind, name in (("ed25519", "ecc"),):
        for passphrase in ("", PASSPHRASE):
            home = folder / f"gnupg-{kind}-{len(passphrase)}"
            home.mkdir(mode=0o700)
            quiet = ("--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase)
            gpg = ("gpg", "--homedir", home, *quiet)
            run(*gpg, "--quick-gen-key", "device@example", kind, "default", "never")
            armoured = run(*gpg, "--armor", "--export-secret-keys")
            run("gpgconf", "--homedir", home, "--kill", "all")
            closed = bool(passphrase)
            yield _whole(f"root/{kind}{closed}.asc", armoured, "other", "OpenPGP", encrypted=closed)
            agent = next((home / "private-keys-v1.d").glob("*.key"))
            path = f"root/.gnupg/private-keys-v1.d/{agent.name}"
            yield _whole(path, agent.read_bytes(), "other", f"OpenPGP {name}", encrypted=closed)


def _java(folder: Path) -> KeyTruth:
    store = folder / "store.jks"
    words = ("-storetype", "JKS", "-storepass", PASSPHRASE, "-keypass", PASSPHRASE)
    run("keytool", "-genkeypair", "-keyalg", "EC", *words, "-keystore", store, "-dname", "CN=x")
    return _whole("opt/app/store.jks", store.read_bytes(), "other", "JKS")


def every_key(folder: Path) -> list[KeyTruth]:
    """All that can be made without other programs than OpenSSL's and OpenSSH's."""
    return [*openssl_keys(folder), *openssh_keys(folder), *stores(folder)]
