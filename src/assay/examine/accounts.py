"""Accounts and what lets them in: passwd, shadow, htpasswd, htdigest, authorized_keys.

How it works: files are taken by name (`passwd`, `shadow.default`, `.htpasswd`, …) or where their
first lines have passwd's or shadow's shape; each line gives an account, its field is told apart
(hash and its kind, empty, locked, plain, elsewhere), and hashes are tried against the short list
of well-known defaults within bounded rounds. Public keys that may log in are read from
`authorized_keys` and from scripts that write to such a file.

Known false positives: a file that is a template never installed; a plain value in shadow that
crypt(3) can never match, which locks the account. Known false negatives: defaults under yescrypt,
scrypt and high bcrypt costs (given as not measured); accounts in databases and in vendors'
configuration (see the credentials examiner); `AuthorizedKeysFile` under another name.

Sources: passwd(5), shadow(5), crypt(5), sshd(8) "AUTHORIZED_KEYS FILE FORMAT", htpasswd(1).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from assay.examine.contract import Content, Examiner
from assay.examine.secret_forms.hashes import Trial, scheme_of, try_defaults, try_digest
from assay.examine.secret_forms.keyforms import ssh_public
from assay.examine.secret_forms.scan import MASK, is_text
from assay.knowledge.defaults import default_passwords
from assay.model.observations import (
    Account,
    AuthorizedKey,
    Evidence,
    Observation,
    Unmeasured,
)
from assay.model.observations.base import EXCERPT_LIMIT
from assay.model.tree import File, Kind

_LARGEST = 1 << 20
_MOST = 1000
_TRIALS = 15_000.0  # milliseconds that hashing the defaults may take for one file, by estimate

_PASSWD = re.compile(r"(?:^|/)(?:master\.)?passwd(?:[-._~][^/]*)?$")
_SHADOW = re.compile(r"(?:^|/)shadow(?:[-._~][^/]*)?$")
_WEB = re.compile(r"(?:^|/)[^/]*ht(?:passwd|digest)[^/]*$")
_KEYS = re.compile(r"(?:^|/)authorized_keys2?(?:[-._~][^/]*)?$")
_CODE = re.compile(
    r"\.(?:py|pl|pm|lua|js|so|c|h|html?|gz|sh|5|8)$|/(?:doc|man|bash-completion|pam\.d)/"
)

_PASSWD_LINE = re.compile(
    r"[a-zA-Z_][\w.-]{0,31}\$?:[^:\s]*:\d{1,10}:\d{1,10}:[^:]*:/[^:]*:[^:\s]*"
)
_SHADOW_LINE = re.compile(r"[a-zA-Z_][\w.-]{0,31}\$?:[^:\s]*:\d*:\d*:\d*:\d*:\d*:\d*:\w*")
_WEB_LINE = re.compile(r"([^:\s#][^:]{0,80}):(?:([^:]{1,80}):(?=[0-9a-f]{32}$))?([^:\s]{1,200})")
_Password = Literal["hash", "empty", "locked", "plain", "elsewhere"]
_PLAIN: _Password = "plain"
_SECRET: frozenset[_Password] = frozenset({"hash", _PLAIN})
_NOBODY = re.compile(r"[!*]|(?:NP|LK|x)$|-$")
_PUBLIC = re.compile(
    rb"((?:sk-)?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3})(?:@openssh\.com)?)[ \t]+"
    rb"(AAAA[A-Za-z0-9+/]{40,4000}={0,2})(?:[ \t]+([^\s\"']{1,80}))?"
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line's fields, and where the password's field starts."""

    user: str
    field: str
    offset: int
    uid: int | None = None
    shell: str = ""
    realm: str = ""


def _wants(file: File) -> bool:
    if not file.has_content or file.size > _LARGEST:
        return False
    return file.kind not in (Kind.ELF, Kind.PE, Kind.MACHO, Kind.CONTAINER)


def _examine(content: Content, file: File) -> Iterator[Observation]:
    if not is_text(content.data):
        return
    yield from _accounts(content, file)
    yield from _keys(content, file)


def _accounts(content: Content, file: File) -> Iterator[Observation]:
    table = _table(content.data, file.path)
    if not table:
        return
    budget = _TRIALS
    for number, line in enumerate(_lines(bytes(content.data), table)):
        if number >= _MOST:
            yield Unmeasured(what="accounts", why=f"more than {_MOST} in one file")
            return
        account, trial = _account(content, line, budget)
        budget -= trial.cost
        yield account
        if trial.untold:
            yield Unmeasured(what=f"default password of {line.user}", why=trial.untold)


def _table(data: memoryview, path: str) -> str:
    """Which table a file is, by its name, or by its first lines where the name doesn't say."""
    code = _CODE.search(path) is not None
    if _WEB.search(path) and not code:
        return "web"
    named = _PASSWD.search(path) or _SHADOW.search(path)
    if code and not named:
        return ""
    first = [line for line in _head(data) if line and not line.startswith("#")]
    for table, form in (("passwd", _PASSWD_LINE), ("shadow", _SHADOW_LINE)):
        fits = (form.fullmatch(line) is not None for line in (first if named else first[:3]))
        if first and (any(fits) if named else all(fits)):
            return table
    return ""


def _head(data: memoryview) -> list[str]:
    """The first whole lines."""
    raw = bytes(data[:4096])
    lines = raw.decode("latin-1").splitlines()
    return lines[:-1] if len(data) > len(raw) else lines


def _lines(raw: bytes, table: str) -> Iterator[_Line]:
    offset = 0
    for line in raw.splitlines(keepends=True):
        if read := _READERS[table](line.decode("utf-8", "replace").rstrip("\r\n"), offset):
            yield read
        offset += len(line)


def _system_line(text: str, offset: int) -> _Line | None:
    parts = text.split(":")
    if _PASSWD_LINE.fullmatch(text):
        return _Line(parts[0], parts[1], offset + len(parts[0]) + 1, int(parts[2]), parts[6])
    if _SHADOW_LINE.fullmatch(text):
        return _Line(parts[0], parts[1], offset + len(parts[0]) + 1)
    return None


def _web_line(text: str, offset: int) -> _Line | None:
    match = _WEB_LINE.fullmatch(text)
    if match is None:
        return None
    start = offset + len(text[: match.start(3)].encode())
    return _Line(match[1], match[3], start, realm=match[2] or "")


_READERS = {"passwd": _system_line, "shadow": _system_line, "web": _web_line}


def _account(content: Content, line: _Line, budget: float) -> tuple[Account, Trial]:
    password, scheme = _told_apart(line)
    trial = _trial(line, password, scheme, budget)
    account = Account(
        user=line.user,
        uid=line.uid,
        shell=line.shell,
        password=password,
        scheme=scheme,
        weak=bool(trial.default),
        default=trial.default,
        seal=content.seal(line.field.encode()) if password in _SECRET else "",
        evidence=Evidence(offset=line.offset, excerpt=f"{line.user}:{MASK}"[:EXCERPT_LIMIT]),
    )
    return account, trial


def _told_apart(line: _Line) -> tuple[_Password, str]:
    """What stands in the password's field, and the scheme where that is a hash."""
    if not line.field:
        return "empty", ""
    if _NOBODY.match(line.field):
        return ("elsewhere" if line.field == "x" and line.uid is not None else "locked"), ""
    scheme = "digest" if line.realm else scheme_of(line.field)
    return ("hash" if scheme else "plain"), scheme


def _trial(line: _Line, password: _Password, scheme: str, budget: float) -> Trial:
    if password == _PLAIN:
        names = (e.name for e in default_passwords() if e.for_user(line.user) == line.field)
        return Trial(default=next(names, ""))
    if not scheme:
        return Trial()
    if scheme == "digest":
        return try_digest(line.field, line.user, line.realm)
    return try_defaults(line.field, scheme, line.user, budget)


def _keys(content: Content, file: File) -> Iterator[AuthorizedKey]:
    raw = bytes(content.data)
    if b"AAAA" not in raw:
        return
    if not _KEYS.search(file.path) and (b"authorized_keys" not in raw or "/doc/" in file.path):
        return
    for match in _PUBLIC.finditer(raw):
        start = raw.rfind(b"\n", 0, match.start()) + 1
        if raw[start : match.start()].lstrip().startswith(b"#"):
            continue
        if key := _key(match):
            yield key


def _key(match: re.Match[bytes]) -> AuthorizedKey | None:
    encoded = match[2].rstrip(b"=")
    try:
        blob = base64.b64decode(encoded + b"=" * (-len(encoded) % 4))
    except binascii.Error:
        return None
    algorithm, bits, _ = ssh_public(blob)
    shown = f"{algorithm} {bits}" if bits and algorithm == "RSA" else algorithm
    comment = (match[3] or b"").decode("utf-8", "replace")
    return AuthorizedKey(
        algorithm=shown,
        comment=comment,
        public=hashlib.sha256(blob).hexdigest(),
        evidence=Evidence(offset=match.start(), excerpt=f"{match[1].decode()} … {comment}"[:160]),
    )


EXAMINER = Examiner(name="accounts", version="2", wants=_wants, examine=_examine, sees="path")
