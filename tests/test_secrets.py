"""Keys and credentials: every planted one is found, Debian's own files give no false alarm, and no
value gets out."""

import base64
import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.examine import accounts, certificates, configuration, credentials, keys, services
from assay.examine.secret_forms.masking import masked
from assay.model.observations import (
    Account,
    AuthorizedKey,
    Credential,
    Observation,
    PrivateKey,
    Weakness,
)
from assay.pipeline import Request
from assay.workspace import DOCUMENTS, Settings, open_workspace
from tests import planted_keys, planted_secrets
from tests.corpus import CorpusError, debs, netboot_initrd, router
from tests.corpus.cache import built
from tests.corpus.vendor import VENDOR_FILES
from tests.examining import observe, regular_files
from tests.planted_keys import PASSPHRASE, KeyTruth
from tests.planted_secrets import Planted, letters, run

SECRETS = (keys.EXAMINER, credentials.EXAMINER)
ALL = (
    *SECRETS,
    accounts.EXAMINER,
    certificates.EXAMINER,
    services.EXAMINER,
    configuration.EXAMINER,
)
FORMS = [*planted_secrets.settings(), *planted_secrets.tokens()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


@pytest.fixture(scope="module")
def key_files(folder: Path) -> list[KeyTruth]:
    return planted_keys.every_key(folder)


@pytest.fixture(scope="module")
def program(folder: Path) -> tuple[Planted, ...]:
    return planted_secrets.program(folder)


def _what(seen: Observation) -> str:
    if isinstance(seen, Credential):
        return seen.category
    return seen.format if isinstance(seen, PrivateKey) else seen.type


def _places(planted: Planted) -> list[tuple[str, int | None]]:
    seen = observe(SECRETS, planted.path, planted.content)
    return [
        (_what(one), one.evidence.offset)
        for one in seen
        if isinstance(one, PrivateKey | Credential)
    ]


@pytest.mark.parametrize("planted", FORMS, ids=[f"{one.category}:{one.path}" for one in FORMS])
def test_planted_credential_is_found_at_its_place_and_nothing_else(planted: Planted) -> None:
    assert _places(planted) == [(planted.category, planted.offset)]


SETTINGS = [one for one in FORMS if not (one.content.startswith(b"#!") or b"\0" in one.content)]


@pytest.mark.parametrize("planted", SETTINGS, ids=[f"{x.category}:{x.path}" for x in SETTINGS])
def test_windows_line_ends_change_nothing(planted: Planted) -> None:
    content = planted.content.replace(b"\n", b"\r\n")
    dos = Planted(planted.path, content, planted.secrets, planted.category)
    assert _places(dos) == [(dos.category, dos.offset)]
    seals = {_seals(planted.path, data, b"1" * 32).pop() for data in (planted.content, content)}
    assert len(seals) == 1


def test_keys_and_passwords_in_a_program_are_found(program: tuple[Planted, ...]) -> None:
    expected = {(one.category, one.offset) for one in program}
    assert set(_places(program[0])) == expected


def _check(truths: Iterator[KeyTruth] | list[KeyTruth]) -> None:
    for truth in truths:
        seen = observe((keys.EXAMINER,), truth.planted.path, truth.planted.content)
        facts = [
            (one.format, one.algorithm, one.bits, one.encrypted, one.public, one.evidence.offset)
            for one in seen
            if isinstance(one, PrivateKey)
        ]
        assert facts == [(*truth[1:], truth.planted.offset)], truth.planted.path
        assert len(seen) == 1


def test_keys_are_told_as_their_tools_tell_them(key_files: list[KeyTruth]) -> None:
    _check(key_files)


def test_putty_keys(folder: Path) -> None:
    try:
        _check(planted_keys.putty_keys(folder))
    except CorpusError as error:
        pytest.skip(str(error))


def test_dropbear_keys(folder: Path) -> None:
    try:
        _check(planted_keys.dropbear_keys(folder))
    except CorpusError as error:
        pytest.skip(str(error))


def test_keys_are_found_inside_other_bytes(key_files: list[KeyTruth]) -> None:
    around = b"\x30\x82\x02\x01\x00-----BEGIN PRIVATE " * 20
    for truth in key_files:
        whole_files = truth.format == "other" or (truth.encrypted and truth.format == "der")
        if whole_files and truth.algorithm != "OpenPGP":
            continue
        data = around + truth.planted.content + around
        seen = observe((keys.EXAMINER,), "x", data)
        places = [one.evidence.offset for one in seen if isinstance(one, PrivateKey)]
        assert places == [len(around) + truth.planted.offset], truth.planted.path


def test_public_keys_are_not_private_ones(folder: Path) -> None:
    key = folder / "public-of"
    run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-m", "PEM", "-f", key)
    for form in ("PEM", "DER"):
        public = run("openssl", "pkey", "-in", key, "-pubout", "-outform", form)
        assert not observe((keys.EXAMINER,), "etc/x", public)
    assert not observe((keys.EXAMINER,), "x.pub", key.with_suffix(".pub").read_bytes())


# Seals: what tells that a secret is the same, and nothing else.


def _seals(path: str, data: bytes, key: bytes) -> set[str]:
    seen = observe(SECRETS, path, data, key)
    return {one.seal for one in seen if isinstance(one, PrivateKey | Credential)}


def test_seals_are_keyed_hashes() -> None:
    for planted in FORMS:
        first = _seals(planted.path, planted.content, b"1" * 32)
        assert len(first) == 1
        moved = b"# another line\n" + planted.content
        if planted.category != "openvpn-auth" and not planted.content.startswith((b"{", b"#!")):
            assert _seals(planted.path, moved, b"1" * 32) == first
        assert _seals(planted.path, planted.content, b"2" * 32).isdisjoint(first)
        assert not {secret.decode() for secret in planted.secrets} & first


def test_one_key_has_one_seal_in_every_form(folder: Path) -> None:
    key = folder / "one-key"
    run("ssh-keygen", "-q", "-t", "ecdsa", "-b", "256", "-N", "", "-m", "PEM", "-f", key)
    forms = [key.read_bytes(), run("openssl", "pkey", "-in", key)]
    forms.append(run("openssl", "pkey", "-in", key, "-outform", "DER"))
    run("ssh-keygen", "-q", "-p", "-N", "", "-C", "x", "-f", key)
    assert b"OPENSSH" in key.read_bytes()
    forms.append(key.read_bytes())
    assert len(set(forms)) == 4
    assert len(set.union(*(_seals("etc/key", form, b"1" * 32) for form in forms))) == 1


# Masking: no value in any output.


PIECE = 8


def _pieces(text: bytes) -> set[bytes]:
    """All runs of eight bytes: who sees one of them of a secret has seen too much."""
    return {text[start : start + PIECE] for start in range(len(text) - PIECE + 1)}


def _private_parts(truth: KeyTruth) -> tuple[bytes, ...]:
    return truth.planted.secrets[1:] if truth.format != "openssh" else ()


STARTED = {
    "etc/crontabs/root": b"5 * * * * curl -u bot:%s http://nms.example/\n",
    "lib/systemd/system/app.service": b"[Service]\nExecStart=/usr/bin/app --password=%s\n",
    "etc/inittab": b"::respawn:/usr/bin/agent --passphrase %s-0\n",
    "etc/xinetd.d/app": b"service app\n{\nserver = /usr/bin/app\nserver_args = --passwd=%s\n}\n",
    "etc/inetd.conf": b"app stream tcp nowait root /usr/bin/app app ftp://u:%s@h/\n",
    "etc/init.d/app": b"#!/bin/sh\n/usr/bin/agentd --password=%s &\n",
    "etc/snmp/snmpd.conf": b"rwcommunity %s\n",
}


RULES = set(
    """
    secrets.private_key secrets.private_key_in_program secrets.encrypted_key secrets.shared_key
    secrets.small_key secrets.credential secrets.credential_generic secrets.community
    configuration.snmp_write
    """.split()
)


def test_no_output_holds_a_secret(
    tmp_path: Path,
    key_files: list[KeyTruth],
    program: tuple[Planted, ...],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    started = {path: letters(f"start {path}", 20).encode() for path in STARTED}
    files = {one.path: one.content for one in FORMS} | {program[0].path: program[0].content}
    files |= {truth.planted.path: truth.planted.content for truth in key_files}
    files |= {path: STARTED[path] % secret for path, secret in started.items()}
    image = tmp_path / "image"
    for path, data in files.items():
        (image / path).parent.mkdir(parents=True, exist_ok=True)
        (image / path).write_bytes(data)

    secrets = [secret for one in (*FORMS, *program) for secret in one.secrets]
    secrets = [secret for secret in secrets if not secret.startswith(b"-----")]
    secrets += [part for truth in key_files for part in _private_parts(truth)]
    secrets += [*started.values(), PASSPHRASE.encode()]
    assert min(map(len, secrets)) >= PIECE
    pieces = set.union(*(_pieces(form) for one in secrets for form in (one, base64.b64encode(one))))

    workspace = open_workspace(Settings(folder=tmp_path / "workspace", workers=2))
    done = workspace.evaluate(Request(image, "Acme", "AR", "R1"), tmp_path / "out")
    assert {seen.rule for seen in done.evaluation.findings} >= RULES
    written = {name: (tmp_path / "out" / name).read_bytes() for name in DOCUMENTS}
    written |= {path.name: path.read_bytes() for path in _stored(tmp_path / "workspace")}
    written["log"] = caplog.text.encode()
    written["terminal"] = "".join(capfd.readouterr()).encode()
    leaks = {name: found for name, text in written.items() if (found := _pieces(text) & pieces)}
    assert not leaks
    assert json.loads(written["evaluation.json"])["measures"]


def _stored(workspace: Path) -> Iterator[Path]:
    """The database with its journal, and the blobs: seals may be in them, values may not."""
    return (path for path in workspace.rglob("*") if path.is_file())


def test_masking_leaves_the_rest_of_a_line() -> None:
    value = letters("mask", 14)
    shown = masked(f"/usr/bin/curl -u bot:{value} https://nms.example/report --retry 3")
    assert shown == "/usr/bin/curl -u bot:•••• https://nms.example/report --retry 3"
    assert masked("/usr/sbin/dropbear -R -p 22") == "/usr/sbin/dropbear -R -p 22"


# What stands in for a secret is none.

PLACEHOLDERS = (
    "password=$PASSWORD",
    "password=${DB_PASSWORD}",
    'password="@PASSWORD@"',
    "password=%s",
    "password={{ vault.password }}",
    "password=<your password>",
    "password=********",
    "password=changeme_example",
    "# password=" + letters("comment", 12),
    "passwd: files systemd",
    "password requisite pam_deny.so",
    "curl -u $USER:$PASS http://x/",
    "curl -u user: http://x/",
    "http://user:$PASS@host/",
    "rocommunity $COMMUNITY",
    "key = value",
    'if [ "$password" = "" ]; then',
    "psk=",
    "Authorization: Basic bm9jb2xvbg==",
)


@pytest.mark.parametrize("line", PLACEHOLDERS)
def test_placeholder_is_no_secret(line: str) -> None:
    assert not observe(SECRETS, "etc/app.conf", f"{line}\n".encode())


# Debian's own files. Each alarm was looked at; what is listed is true, and why it stands there.

TRUE_ON_DEBIAN = {
    ("usr/bin/openssl", "der"): "the RSA keys that `openssl speed` measures with",
    ("usr/bin/gnutls-cli", "pem"): "the keys that gnutls-cli --benchmark-tls-kx measures with",
    ("usr/lib/*/libgnutls.so", "pem"): "known-answer self-tests of signature algorithms",
    ("etc/freeradius/3.0/", "radius-secret"): "testing123, the secret of client localhost",
    ("etc/freeradius/3.0/", "generic-password"): "whatever and testing123, in its examples",
    ("etc/vsftpd.conf", "ftp.no_tls"): "ssl_enable=NO stands there in the clear",
}
INSTALLER = {
    ("etc/inittab", "startup.shell_without_login"): "the installer's consoles give root's shell",
}
DAEMONS = """
    asterisk-config ddclient dovecot-core easy-rsa fetchmail keepalived lighttpd miniupnpd mosquitto
    nginx-common postfix proftpd-core redis-server rsyslog samba-common snmpd xinetd
""".split()
TRUE_ON_DAEMONS = {
    ("etc/nginx/nginx.conf", "web.old_tls"): "ssl_protocols lists TLSv1 and TLSv1.1",
    ("etc/snmp/snmpd.conf", "snmp.default_community"): "rocommunity public, of a limited view",
    ("etc/snmp/snmpd.conf", "snmp-community"): "the same",
    ("etc/keepalived/keepalived.conf.sample", "vrrp-password"): "auth_pass 1111, uncommented",
    ("usr/lib/dovecot/libdovecot.so", "pem"): "the key of its iostream-ssl test",
}


def _alarms(root: Path) -> Iterator[tuple[str, str]]:
    for path, here in regular_files(root):
        for seen in observe(ALL, path, here.read_bytes()):
            if isinstance(seen, PrivateKey | Credential):
                yield path, _what(seen)
            elif isinstance(seen, Weakness):
                yield path, seen.setting
            elif isinstance(seen, AuthorizedKey) or (
                isinstance(seen, Account) and seen.password in ("hash", "empty", "plain")
            ):
                yield path, seen.type


def _listed(path: str, what: str, known: dict[tuple[str, str], str]) -> tuple[str, str] | None:
    for place, kind in known:
        first, _, rest = place.partition("*")
        if kind == what and path.startswith(first) and rest in path:
            return place, kind
    return None


def _compare(root: Path, known: dict[tuple[str, str], str], planted: frozenset[str]) -> None:
    alarms = {alarm for alarm in _alarms(root) if alarm[0] not in planted}
    unknown = {alarm for alarm in alarms if _listed(*alarm, known) is None}
    assert not unknown
    assert {_listed(*alarm, known) for alarm in alarms} == set(known), "a listed one is gone"


def test_debian_router_gives_no_false_alarm() -> None:
    try:
        root = router("armhf").root
    except CorpusError as error:
        pytest.skip(str(error))
    _compare(root, TRUE_ON_DEBIAN, frozenset(VENDOR_FILES))


def test_debian_daemons_give_no_false_alarm() -> None:
    try:
        root = built("daemons-amd64", _extract_daemons)
    except CorpusError as error:
        pytest.skip(str(error))
    _compare(root, TRUE_ON_DAEMONS, frozenset())


def _extract_daemons(folder: Path) -> None:
    for deb in debs("amd64", DAEMONS):
        run("dpkg-deb", "-x", deb, folder)


def test_debian_certificates_give_no_false_alarm(tmp_path: Path) -> None:
    try:
        (deb,) = debs("all", ["ca-certificates"])
    except CorpusError as error:
        pytest.skip(str(error))
    run("dpkg-deb", "-x", deb, tmp_path)
    assert len(list(regular_files(tmp_path))) > 100
    _compare(tmp_path, {}, frozenset())


def test_debian_installer_gives_no_false_alarm() -> None:
    try:
        initrd = netboot_initrd()
    except CorpusError as error:
        pytest.skip(str(error))
    root = built("netboot-root", lambda folder: _unpack(initrd, folder))
    assert (root / "etc/inittab").exists()
    _compare(root, INSTALLER, frozenset())


def _unpack(initrd: Path, folder: Path) -> None:
    """Without its devices, which only root may make."""
    words = ("cpio", "-idm", "--quiet", "--no-absolute-filenames", "--nonmatching", "dev/*")
    archive = run("zcat", initrd)
    subprocess.run(words, input=archive, cwd=folder, check=True)


# Hostile content: no exception, and every offset inside.

PIECES = st.sampled_from(
    [
        b"-----BEGIN RSA PRIVATE KEY-----",
        b"-----END RSA PRIVATE KEY-----",
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA",
        b"-----BEGIN OpenVPN Static key V1-----",
        b"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n",
        b"\x30\x82\x01\x00\x02\x01\x00\x02\x82\x01\x01\x00",
        b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03+ep\x04\x22\x04\x20",
        b"\0\0\0\x07ssh-rsa\0\0\0\x03\1\0\1\0\0\1\1",
        b"\0\0\0\x0bssh-ed25519\0\0\0\x40",
        b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\1",
        b"(11:private-key(3:rsa",
        b"password='",
        b"password: ",
        b"://user:p@ss@",
        b"curl -u a:",
        b"<Password>",
        b"<ManagementServer>",
        b"$6$salt$",
        b"Authorization: Basic ",
        b"eyJhbGciOiJIUzI1NiJ9.eyJ",
        b"rocommunity ",
        b"<!--",
        b"\n",
        b"\0",
        b"'\"",
    ]
)
HOSTILE = st.lists(PIECES | st.binary(max_size=40), max_size=30).map(b"".join)
PATHS = st.sampled_from(
    ["x", "etc/ppp/chap-secrets", "etc/config/network", "etc/openvpn/auth", "root/.pgpass", "a.py"]
)


@settings(deadline=None, max_examples=150)
@given(data=HOSTILE, path=PATHS)
def test_hostile_content_is_survived(data: bytes, path: str) -> None:
    for seen in observe(SECRETS, path, data):
        if isinstance(seen, PrivateKey | Credential):
            assert seen.evidence.offset is not None
            assert 0 <= seen.evidence.offset <= len(data)
            assert len(seen.evidence.excerpt) <= 160


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_damaged_keys_are_survived(data: st.DataObject, key_files: list[KeyTruth]) -> None:
    whole = bytearray(data.draw(st.sampled_from(key_files)).planted.content)
    for _ in range(data.draw(st.integers(0, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    kept = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    observe(SECRETS, "etc/key", kept)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=300))
def test_masking_takes_any_text(text: str) -> None:
    masked(text)


@pytest.mark.parametrize("piece", [b"password=", b"://a:b", b"-----BEGIN RSA PRIVATE KEY-----\n"])
def test_many_beginnings_are_bounded_and_said(piece: bytes) -> None:
    seen = observe(SECRETS, "etc/x", piece * 20_000)
    assert "unmeasured" in {one.type for one in seen}
    assert len(seen) < 500
