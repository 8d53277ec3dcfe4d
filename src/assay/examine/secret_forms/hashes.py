"""Password hashes: their kind, and whether they are those of well-known defaults.

Sources: crypt(5) of libxcrypt for the forms; Apache's htpasswd documentation for `apr1`, `{SHA}`;
RFC 2307 for `{SSHA}`.
"""

import hashlib
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from assay.knowledge.defaults import default_passwords

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # passlib looks for the crypt module, deprecated since 3.11
    from passlib import hash as schemes

_CRYPT = r"[./A-Za-z0-9]"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(form))
    for name, form in (
        ("md5crypt", rf"\$1\$[^$:\s]{{0,8}}\${_CRYPT}{{22}}"),
        ("apr1", rf"\$apr1\$[^$:\s]{{0,8}}\${_CRYPT}{{22}}"),
        ("bcrypt", rf"\$2[abxy]\$\d\d\${_CRYPT}{{53}}"),
        ("sha256crypt", rf"\$5\$(?:rounds=\d{{1,9}}\$)?[^$:\s]{{0,16}}\${_CRYPT}{{43}}"),
        ("sha512crypt", rf"\$6\$(?:rounds=\d{{1,9}}\$)?[^$:\s]{{0,16}}\${_CRYPT}{{86}}"),
        ("yescrypt", rf"\$y\${_CRYPT}+\${_CRYPT}{{0,86}}\${_CRYPT}{{43}}"),
        ("gost-yescrypt", rf"\$gy\${_CRYPT}+\${_CRYPT}{{0,86}}\${_CRYPT}{{43}}"),
        ("scrypt", rf"\$7\${_CRYPT}{{11,97}}\${_CRYPT}{{43}}"),
        ("sha1crypt", rf"\$sha1\$\d{{1,10}}\${_CRYPT}{{0,64}}\${_CRYPT}{{28}}"),
        ("nthash", r"\$3\$\$[0-9a-f]{32}"),
        ("ssha", r"\{SSHA\}[A-Za-z0-9+/]{30,60}={0,2}"),
        ("sha", r"\{SHA\}[A-Za-z0-9+/]{27}="),
        ("bsdicrypt", rf"_{_CRYPT}{{19}}"),
        ("descrypt", rf"{_CRYPT}{{13}}"),
    )
)

_CHECKS: dict[str, Callable[[str, str], bool]] = {
    "md5crypt": schemes.md5_crypt.verify,
    "apr1": schemes.apr_md5_crypt.verify,
    "bcrypt": schemes.bcrypt.verify,
    "sha256crypt": schemes.sha256_crypt.verify,
    "sha512crypt": schemes.sha512_crypt.verify,
    "sha1crypt": schemes.sha1_crypt.verify,
    "nthash": schemes.bsd_nthash.verify,
    "ssha": schemes.ldap_salted_sha1.verify,
    "sha": schemes.ldap_sha1.verify,
    "bsdicrypt": schemes.bsdi_crypt.verify,
    "descrypt": schemes.des_crypt.verify,
}
# Milliseconds that one hash takes, by estimate: an estimate is the same on every machine, so that
# what is tried doesn't depend on how fast one is. Of those with rounds, for one round.
_COST = {"bcrypt": 0.3, "sha256crypt": 0.0025, "sha512crypt": 0.0025, "sha1crypt": 0.001}
_COST_FIXED = 1.0
_COST_BSDI = 120.0
_ROUNDS = re.compile(r"rounds=(\d{1,9})\$|\$sha1\$(\d{1,10})\$")
_ROUNDS_DEFAULT = 5000  # crypt(5), of both SHA schemes


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying the defaults: the entry's name, or why it could not be told.

    `cost` is the time that it took, in milliseconds by estimate.
    """

    default: str = ""
    untold: str = ""
    cost: float = 0.0


def scheme_of(field: str) -> str:
    """The kind of hash that a field is as a whole; empty where it is none."""
    return next((name for name, form in _FORMS if form.fullmatch(field)), "")


def try_defaults(field: str, scheme: str, user: str, budget: float = 15_000.0) -> Trial:
    """Hash the well-known defaults as the field was, if that takes no more than `budget` ms."""
    check = _CHECKS.get(scheme)
    if check is None:
        return Trial(untold=f"{scheme}: no library at hand computes it")
    cost = len(default_passwords()) * _cost(field, scheme)
    if cost > budget:
        return Trial(untold=f"{scheme}: trying the well-known defaults takes too long")
    try:
        for entry in default_passwords():
            if check(entry.for_user(user), field):
                return Trial(default=entry.name, cost=cost)
    except (ValueError, TypeError) as error:
        return Trial(untold=f"{scheme}: {type(error).__name__}", cost=cost)
    return Trial(cost=cost)


def try_digest(field: str, user: str, realm: str) -> Trial:
    """The same for htdigest's field, the MD5 of user, realm and password (RFC 7616, 3.4.2)."""
    for entry in default_passwords():
        text = f"{user}:{realm}:{entry.for_user(user)}".encode()
        if hashlib.md5(text, usedforsecurity=False).hexdigest() == field:
            return Trial(default=entry.name)
    return Trial()


def _cost(field: str, scheme: str) -> float:
    if scheme == "bcrypt":
        return _COST[scheme] * 2.0 ** int(field[4:6])
    if scheme == "bsdicrypt":
        return _COST_BSDI
    if scheme not in _COST:
        return _COST_FIXED
    rounds = _ROUNDS.search(field)
    return _COST[scheme] * (int(rounds[1] or rounds[2]) if rounds else _ROUNDS_DEFAULT)
