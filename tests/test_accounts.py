"""Accounts: what stands in the field, told against what crypt's own tools made and what was
planted."""

import hashlib
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.examine import accounts
from assay.examine.secret_forms.hashes import scheme_of
from assay.knowledge.defaults import default_passwords, parse_defaults
from assay.model.errors import DataError
from assay.model.observations import Account, AuthorizedKey, Unmeasured
from tests.corpus import CorpusError
from tests.examining import observe
from tests.planted_secrets import letters, run, tool

ONLY = (accounts.EXAMINER,)
STRONG = letters("a strong password", 18)


def _openssl(kind: str, password: str) -> str:
    return run("openssl", "passwd", kind, "-salt", "saltsalt", password).decode().strip()


def _accounts(path: str, text: str) -> dict[str, Account]:
    seen = observe(ONLY, path, text.encode())
    return {one.user: one for one in seen if isinstance(one, Account)}


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [("-1", "md5crypt"), ("-5", "sha256crypt"), ("-6", "sha512crypt"), ("-apr1", "apr1")],
)
def test_hashes_and_defaults_by_openssl(kind: str, scheme: str) -> None:
    shadow = (
        f"root:{_openssl(kind, 'admin')}:19000:0:99999:7:::\n"
        f"operator:{_openssl(kind, 'operator')}:19000:0:99999:7:::\n"
        f"noc:{_openssl(kind, STRONG)}:19000:0:99999:7:::\n"
    )
    found = _accounts("etc/shadow", shadow)
    assert [one.scheme for one in found.values()] == [scheme] * 3
    assert [one.password for one in found.values()] == ["hash"] * 3
    assert [one.weak for one in found.values()] == [True, True, False]
    assert found["operator"].default == "same-as-user"
    assert found["root"].default
    assert "admin" not in found["root"].default
    assert not found["noc"].default
    for one in found.values():
        offset = one.evidence.offset
        assert offset is not None
        assert shadow[offset:].startswith("$")
        assert one.seal
        assert one.seal not in shadow


@pytest.mark.parametrize(
    ("method", "scheme"),
    [
        ("descrypt", "descrypt"),
        ("bsdicrypt", "bsdicrypt"),
        ("md5crypt", "md5crypt"),
        ("bcrypt", "bcrypt"),
        ("sha256crypt", "sha256crypt"),
        ("sha512crypt", "sha512crypt"),
        ("yescrypt", "yescrypt"),
        ("gost-yescrypt", "gost-yescrypt"),
        ("scrypt", "scrypt"),
        ("sha1crypt", "sha1crypt"),
    ],
)
def test_every_scheme_of_libxcrypt_is_told(method: str, scheme: str) -> None:
    try:
        made = tool("mkpasswd", "-m", method, "--stdin", stdin=b"admin\n").decode().strip()
    except (CorpusError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mkpasswd: {error}")
    assert scheme_of(made) == scheme
    seen = observe(ONLY, "etc/shadow", f"root:{made}:1:0:99999:7:::\n".encode())
    (account,) = [one for one in seen if isinstance(one, Account)]
    assert (account.password, account.scheme) == ("hash", scheme)
    said = [one.what for one in seen if isinstance(one, Unmeasured)]
    assert account.weak or said == ["default password of root"], "neither tried nor said"


@pytest.mark.parametrize("option", ["-B", "-m", "-s", "-d"])
def test_htpasswd(option: str) -> None:
    try:
        lines = [
            tool("htpasswd", "-nb", option, user, password).decode().strip()
            for user, password in (("bob", "password"), ("eve", STRONG[:8]))
        ]
    except CorpusError as error:
        pytest.skip(str(error))
    found = _accounts("www/.htpasswd", "\n".join(lines) + "\n")
    assert [found["bob"].weak, found["eve"].weak] == [True, False]
    assert {one.password for one in found.values()} == {"hash"}


def test_htdigest() -> None:
    def line(user: str, password: str) -> str:
        digest = hashlib.md5(f"{user}:router:{password}".encode()).hexdigest()
        return f"{user}:router:{digest}\n"

    found = _accounts("etc/lighttpd.htdigest", line("admin", "1234") + line("noc", STRONG))
    assert [one.scheme for one in found.values()] == ["digest", "digest"]
    assert [one.weak for one in found.values()] == [True, False]


PASSWD = (
    "root:x:0:0:root:/root:/bin/sh\n"
    "toor::0:0:second root:/root:/bin/sh\n"
    "daemon:*:1:1:daemon:/:/bin/false\n"
    "locked:!$1$salt$abc:2:2::/:/bin/sh\n"
    "plain:letmein1:3:3::/home/plain:/bin/ash\n"
    "default:admin:4:4::/home/default:/bin/ash\n"
)


def test_what_stands_in_passwd() -> None:
    found = _accounts("etc/passwd", PASSWD)
    truth = {line.split(":")[0]: line.split(":") for line in PASSWD.splitlines()}
    assert {user: one.uid for user, one in found.items()} == {
        user: int(fields[2]) for user, fields in truth.items()
    }
    assert {user: one.shell for user, one in found.items()} == {
        user: fields[6] for user, fields in truth.items()
    }
    assert {user: one.password for user, one in found.items()} == {
        "root": "elsewhere",
        "toor": "empty",
        "daemon": "locked",
        "locked": "locked",
        "plain": "plain",
        "default": "plain",
    }
    assert [user for user, one in found.items() if one.weak] == ["default"]
    assert [user for user, one in found.items() if one.seal] == ["plain", "default"]
    for user, one in found.items():
        assert one.evidence.offset == f"\n{PASSWD}".index(f"\n{user}:") + len(user) + 1
        assert one.evidence.excerpt == f"{user}:••••"


@pytest.mark.parametrize(
    "path", ["etc/passwd", "etc/passwd-", "rom/etc/passwd.default", "etc/users", "mnt/config.bin"]
)
def test_tables_are_known_by_name_or_shape(path: str) -> None:
    assert len(_accounts(path, PASSWD)) == 6


def test_empty_shadow_fields() -> None:
    found = _accounts("etc/shadow", "root::0:0:99999:7:::\nbin:*:0:0:99999:7:::\nx:!!:0::::::\n")
    assert [one.password for one in found.values()] == ["empty", "locked", "locked"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("usr/share/doc/base-passwd/README", PASSWD),
        ("etc/pam.d/passwd", "password required pam_unix.so\n"),
        ("etc/services.txt", "ssh:22\nhttp:80\n"),
        ("etc/group", "root:x:0:\nadmin:x:1000:user\n"),
    ],
)
def test_other_tables_are_not_accounts(path: str, text: str) -> None:
    assert not _accounts(path, text)


def test_costly_hashes_are_said_to_be_untried() -> None:
    costly = "$6$rounds=999999$saltsalt$" + "a" * 86
    lines = "".join(f"u{number}:{costly}:1::::::\n" for number in range(3))
    cheap = f"root:{_openssl('-1', 'root')}:1::::::\n"
    seen = observe(ONLY, "etc/shadow", (lines + cheap).encode())
    assert [one.what for one in seen if isinstance(one, Unmeasured)] == [
        f"default password of u{number}" for number in range(3)
    ]
    assert [one.user for one in seen if isinstance(one, Account) and one.weak] == ["root"]


def test_many_hashes_are_tried_within_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_TRIALS", 2_000.0)
    line = "u{}:" + _openssl("-6", STRONG) + ":1::::::\n"
    seen = observe(ONLY, "etc/shadow", "".join(line.format(n) for n in range(60)).encode())
    assert len([one for one in seen if isinstance(one, Account)]) == 60
    assert 50 < len([one for one in seen if isinstance(one, Unmeasured)]) < 60


def test_authorized_keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("keys")
    lines, truth = [], set()
    for kind in ("ed25519", "rsa"):
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"dev-{kind}", "-f", folder / kind)
        public = (folder / f"{kind}.pub").read_text()
        blob = run("base64", "-d", stdin=public.split()[1].encode())
        truth.add((f"dev-{kind}", hashlib.sha256(blob).hexdigest()))
        lines.append(public)
    text = f'# ops\nfrom="10.0.0.0/8",no-pty {lines[0]}{lines[1]}#{lines[1]}'
    for path in ("root/.ssh/authorized_keys", "etc/dropbear/authorized_keys"):
        seen = observe(ONLY, path, text.encode())
        keys = [one for one in seen if isinstance(one, AuthorizedKey)]
        assert {(one.comment, one.public) for one in keys} == truth
        assert len(keys) == 2
    script = f"#!/bin/sh\necho '{lines[0].strip()}' >> /root/.ssh/authorized_keys\n"
    assert len(observe(ONLY, "etc/init.d/S99", script.encode())) == 1
    assert not observe(ONLY, "root/.ssh/known_hosts", f"host {lines[0]}".encode())


def test_default_passwords_are_read_strictly() -> None:
    shipped = default_passwords()
    assert len({entry.name for entry in shipped}) == len(shipped) > 30
    assert {entry.for_user("ubnt") for entry in shipped} >= {"ubnt", "admin", "1234"}
    good = 'sources: {a: "b"}\npasswords:\n'
    for bad in (
        "- {name: x, password: 1234, source: a}",
        "- {name: x, password: y, source: c}",
        "- {name: x, source: a}",
        "- {name: x, password: y, source: a}\n- {name: x, password: z, source: a}",
        "- [x]",
    ):
        with pytest.raises(DataError):
            parse_defaults(good + bad)


LINES = st.lists(
    st.from_regex(r"[a-z!$]{0,6}:[^\n]{0,60}(:\d{0,3}){0,8}", fullmatch=True)
    | st.text(max_size=60),
    max_size=8,
).map("\n".join)
PATHS = st.sampled_from(
    ["etc/passwd", "etc/shadow", ".htpasswd", "x.htdigest", "x", "authorized_keys"]
)


@settings(deadline=None, max_examples=200)
@given(text=LINES, path=PATHS)
def test_any_text_is_survived(text: str, path: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    for one in observe(ONLY, path, data):
        if isinstance(one, Account):
            assert one.evidence.offset is not None
            assert 0 <= one.evidence.offset <= len(data)
            assert bool(one.seal) == (one.password in ("hash", "plain"))


@settings(deadline=None, max_examples=100)
@given(data=st.binary(max_size=300), path=PATHS)
def test_any_bytes_are_survived(data: bytes, path: str) -> None:
    observe(ONLY, path, data)
    observe(ONLY, path, b"root:" + data + b":0:0::/:/bin/sh\n")
