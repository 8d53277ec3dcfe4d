"""Certificates: every fact against what `openssl x509` prints of the same bytes."""

import base64
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.assess import load_rules
from assay.assess.facts import gather
from assay.assess.findings import find
from assay.examine import certificates
from assay.knowledge import knowledge_base
from assay.model.finding import Finding
from assay.model.observations import Certificate, Observation
from assay.model.outcome import Examined, Ran
from assay.model.tree import File, Tree
from tests.corpus import CorpusError, debs
from tests.examining import entry, observe, regular_files
from tests.planted_secrets import run

ONLY = (certificates.EXAMINER,)
AS_OF = "2026-11-24"


def _seen(path: str, data: bytes) -> list[Certificate]:
    return [one for one in observe(ONLY, path, data) if isinstance(one, Certificate)]


def _openssl(pem: bytes, *words: str) -> str:
    return run("openssl", "x509", "-noout", *words, stdin=pem).decode()


def _check_against_openssl(seen: Certificate, pem: bytes) -> None:
    text = _openssl(pem, "-text")
    assert f"{int(seen.serial, 16)}" == str(int(_openssl(pem, "-serial").split("=")[1], 16))
    for option, ours in (("-startdate", seen.not_before), ("-enddate", seen.not_after)):
        written = _openssl(pem, option, "-dateopt", "iso_8601").strip().split("=")[1]
        assert written.replace(" ", "T") == ours
    digest = _openssl(pem, "-fingerprint", "-sha256").split("=")[1]
    assert seen.sha256 == digest.strip().replace(":", "").lower()
    public = run("openssl", "x509", "-noout", "-pubkey", stdin=pem)
    der = run("openssl", "pkey", "-pubin", "-outform", "DER", stdin=public)
    assert seen.public == run("openssl", "dgst", "-sha256", "-r", stdin=der).decode().split()[0]
    bits = re.search(r"Public-Key: \((\d+) bit\)", text)
    assert seen.key_bits == (int(bits[1]) if bits else 256)
    assert seen.ca == ("CA:TRUE" in text)
    assert seen.signature_hash in _hash_names(text)
    same = _openssl(pem, "-subject_hash").strip() == _openssl(pem, "-issuer_hash").strip()
    assert seen.self_signed == same
    # RFC 4514, as OpenSSL prints it; escapes of letters outside ASCII differ in form alone.
    if seen.subject.isascii() and "\\" not in seen.subject and "+" not in seen.subject:
        names = _openssl(pem, "-subject", "-nameopt", "RFC2253,-esc_msb").strip()
        assert len(names.removeprefix("subject=").split(",")) == len(seen.subject.split(","))


def _hash_names(text: str) -> set[str]:
    named = re.search(r"Signature Algorithm: (\S+)", text)
    assert named
    found = re.search(r"sha\d+|md5|md2", named[1].lower())
    return {found[0]} if found else {"none"}


MADE: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("rsa1024-sha1", ("rsa:1024",), ("-sha1",)),
    ("rsa2048", ("rsa:2048",), ("-sha256",)),
    ("ec384", ("ec", "-pkeyopt", "ec_paramgen_curve:P-384"), ("-sha384",)),
    ("ed25519", ("ed25519",), ()),
    ("leaf", ("rsa:2048",), ("-addext", "basicConstraints=critical,CA:FALSE")),
)


def _make(folder: Path, name: str, key: tuple[str, ...], extra: tuple[str, ...]) -> bytes:
    out = ("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
    subject = ("-subj", f"/C=XX/O=Acme, Inc./CN=device {name}")
    run("openssl", "req", "-x509", "-nodes", "-days", "30", "-newkey", *key, *subject, *extra, *out)
    return (folder / f"{name}.pem").read_bytes()


@pytest.mark.parametrize(("name", "key", "extra"), MADE, ids=[one[0] for one in MADE])
def test_made_certificate_in_every_form(
    tmp_path: Path, name: str, key: tuple[str, ...], extra: tuple[str, ...]
) -> None:
    pem = _make(tmp_path, name, key, extra)
    der = run("openssl", "x509", "-outform", "DER", stdin=pem)
    text = run("openssl", "x509", "-text", stdin=pem)
    trusted = run("openssl", "x509", "-trustout", "-addtrust", "serverAuth", stdin=pem)
    joined = b'cert = "' + pem.strip().replace(b"\n", b"\\n") + b'"\n'
    for offset, data in (
        (0, pem),
        (0, der),
        (text.index(b"-----BEGIN"), text),
        (0, trusted),
        (8, joined),
        (100, b"\x7fELF" + b"\x30" * 96 + der + b"rest" * 20),
    ):
        (seen,) = _seen("etc/x", data)
        assert seen.evidence.offset == offset
        _check_against_openssl(seen, pem)


def test_version_1_and_signed_by_another(tmp_path: Path) -> None:
    _make(tmp_path, "ca", ("rsa:2048",), ())
    request, issuer = (
        tmp_path / "r.csr",
        ("-CA", tmp_path / "ca.pem", "-CAkey", tmp_path / "ca.key"),
    )
    run("openssl", "req", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", tmp_path / "k",
        "-subj", "/CN=leaf", "-out", request)  # fmt: skip
    pem = run("openssl", "x509", "-req", "-in", request, *issuer, "-CAcreateserial", "-days", "9")
    der = run("openssl", "x509", "-outform", "DER", stdin=pem)
    for data in (pem, der):
        (seen,) = _seen("etc/x", data)
        _check_against_openssl(seen, pem)
        assert not seen.self_signed
        assert not seen.ca


def test_requests_keys_and_lists_are_no_certificates(tmp_path: Path) -> None:
    _make(tmp_path, "x", ("rsa:2048",), ())
    key = tmp_path / "x.key"
    request = run("openssl", "req", "-new", "-key", key, "-subj", "/CN=x", "-outform", "DER")
    assert not _seen("x", request)
    assert not _seen("x", key.read_bytes())


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ca")
    try:
        (deb,) = debs("all", ["ca-certificates"])
    except CorpusError as error:
        pytest.skip(str(error))
    run("dpkg-deb", "-x", deb, folder)
    return folder / "usr/share/ca-certificates"


def test_debian_authorities_agree_with_openssl(authorities: Path) -> None:
    files = [one for one in regular_files(authorities) if one[0].endswith(".crt")]
    assert len(files) > 100
    every = [(path, here.read_bytes()) for path, here in files]
    assert all(len(_seen(path, data)) == 1 for path, data in every)
    for path, data in every[::12]:
        (seen,) = _seen(path, data)
        _check_against_openssl(seen, data)


def _findings(files: Iterator[tuple[File, list[Observation]]]) -> tuple[Finding, ...]:
    examined = [
        Examined(file=file, examiner="certificates", outcome=Ran(observations=tuple(seen)))
        for file, seen in files
    ]
    tree = Tree(sha256="00" * 32, size=1, files=tuple(one.file for one in examined))
    facts = gather(tree, examined, knowledge_base().functions, AS_OF)
    rules = [rule for rule in load_rules() if rule.info.theme == "certificates"]
    return find(rules, facts, {})


def test_debian_authorities_only_give_those_that_expired(authorities: Path, tmp_path: Path) -> None:
    paths = [path for path, _ in regular_files(authorities)]
    (bundle := tmp_path / "all.pem").write_bytes(
        b"".join(here.read_bytes() for _, here in regular_files(authorities))
    )
    text = run("openssl", "storeutl", "-noout", "-text", "-certs", bundle).decode(
        "utf-8", "replace"
    )
    ends = re.findall(r"Not After : (.*) GMT", text)
    assert len(ends) == len(paths)
    day = datetime.fromisoformat(AS_OF)
    moments = [datetime.strptime(end, "%b %d %H:%M:%S %Y") for end in ends]
    expired = {path for path, end in zip(paths, moments, strict=True) if end < day}
    findings = _findings(
        (entry(path, data := here.read_bytes()), observe(ONLY, path, data))
        for path, here in regular_files(authorities)
    )
    assert {one.rule for one in findings} <= {"certificates.expired_authority"}
    assert {one.path for one in findings} == expired


def test_weak_certificates_are_found(tmp_path: Path) -> None:
    pem = _make(tmp_path, "weak", ("rsa:1024",), ("-addext", "basicConstraints=CA:FALSE"))
    file = entry("etc/x.pem", pem)
    rules = {one.rule for one in _findings(iter([(file, observe(ONLY, file.path, pem))]))}
    assert rules >= {"certificates.weak_key", "certificates.self_signed"}


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_damage_is_survived(data: st.DataObject, authorities: Path) -> None:
    files = [here for _, here in regular_files(authorities) if here.suffix == ".crt"]
    pem = data.draw(st.sampled_from(files[:10])).read_bytes()
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    whole = bytearray(data.draw(st.sampled_from([pem, der])))
    for _ in range(data.draw(st.integers(0, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    kept = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    for seen in _seen("x", kept):
        assert seen.evidence.offset is not None
        assert 0 <= seen.evidence.offset < len(kept)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.binary(max_size=30)
        | st.sampled_from(
            [
                b"-----BEGIN CERTIFICATE-----\n",
                b"-----END CERTIFICATE-----\n",
                b"\x30\x82\x01\x00\x30\x82\x00\xf0\xa0\x03\x02\x01\x02\x02\x01\x01",
                b"\xa0\x03\x02\x01\x02\x02",
                b"MIIB" * 30,
            ]
        ),
        max_size=20,
    ).map(b"".join)
)
def test_hostile_content_is_survived(data: bytes) -> None:
    observe(ONLY, "x", data)


def test_many_beginnings_are_bounded() -> None:
    start = b"-----BEGIN CERTIFICATE-----\n" + b"QUFB" * 30
    assert not _seen("x", start * 5000)
    assert not _seen(
        "x", b"\x30\x82\xff\x00\x30\x82\x00\xf0\xa0\x03\x02\x01\x02\x02\x01\x01" * 20_000
    )
