"""Where passwords and tokens stand: one rule a form.

A rule's anchors are looked for first (lower case, fixed strings); its pattern is then held
against the line around each. `value` in the pattern is the secret, `holder` whose it is.
Specific rules stand before general ones: the first that claims a value keeps it.

Sources: the manual pages and documents named beside the rules.
"""

import re
from dataclasses import dataclass
from enum import Flag, auto


class In(Flag):
    """Kinds of content that a rule is held against."""

    TEXT = auto()
    DATA = auto()
    ELF = auto()


EVERYWHERE = In.TEXT | In.DATA | In.ELF
STORED = In.TEXT | In.DATA


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One form. `places` limits it to paths; `general` rules distrust words of prose.

    `context` must match what stands before the value; `case` says that letters' case matters,
    `commented` that it holds in comments as well.
    Rules are equal by identity: they are keys of tables that every file's scan looks into.
    """

    category: str
    anchors: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    places: re.Pattern[str] | None = None
    where: In = In.TEXT
    general: bool = False
    context: re.Pattern[bytes] | None = None
    case: bool = False
    commented: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The names of the pattern's groups, of which one holds the secret."""
        return tuple(name for name in _VALUES if name in self.pattern.groupindex)


_VALUES = ("value", "v1", "v2", "v3")

# A value in quotes, or a bare one that ends with the word. WORD is for rules that know a setting
# by its name's form alone: what holds brackets is code to them.
_IN_QUOTES = rb"""(?:"(?P<v1>[^"\n\0]{1,200})"|'(?P<v2>[^'\n\0]{1,200})'"""
QUOTED = _IN_QUOTES + rb")"
VALUE = _IN_QUOTES + rb"""|(?P<v3>[^\s"'`<>\0]{1,200}+)(?=[\s\0]|$))"""
WORD = _IN_QUOTES + rb"""|(?P<v3>[^\s"'`<>()\0\x80-\xff]{1,200}+)(?=[\s\0]|$))"""
UCI = rb"^[ \t]*option[ \t]+"
IS = rb"[ \t]*(?::=|=>|[=:])[ \t]*"


def rule(
    category: str,
    anchors: str,
    pattern: bytes,
    places: str | None = None,
    where: In = In.TEXT,
    *,
    general: bool = False,
    context: bytes | None = None,
    case: bool = False,
    commented: bool = False,
) -> Rule:
    """Write a rule down: `anchors` and their alternatives apart by blanks, patterns as text."""
    return Rule(
        category=category,
        anchors=tuple(anchor.encode() for anchor in anchors.split()),
        pattern=re.compile(pattern, 0 if case else re.IGNORECASE),
        places=re.compile(places) if places else None,
        where=where,
        general=general,
        context=re.compile(context, re.IGNORECASE) if context else None,
        case=case,
        commented=commented,
    )


def _token(category: str, anchors: str, pattern: bytes) -> Rule:
    """A token whose own form tells what it is."""
    guarded = rb"(?<![A-Za-z0-9_])(?P<value>" + pattern + rb")(?![A-Za-z0-9_])"
    return rule(category, anchors, guarded, where=EVERYWHERE, case=True, commented=True)


TOKENS = (
    # Formats as documented by their makers: AWS IAM identifiers, GitHub's and GitLab's token
    # formats, Slack token types, Google API keys, Stripe and SendGrid API keys, RFC 7519.
    _token("aws-access-key", "AKIA ASIA", rb"A(?:KIA|SIA)[A-Z2-7]{16}"),
    rule(
        "aws-secret-key",
        "aws_secret secretaccesskey aws_sec",
        rb"(?:aws_?)?secret_?(?:access_?)?key[\"']?"
        + IS
        + rb"[\"']?(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        where=STORED,
    ),
    _token("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", rb"gh[pousr]_[A-Za-z0-9]{36,251}"),
    _token("github-token", "github_pat_", rb"github_pat_[A-Za-z0-9_]{60,244}"),
    _token("gitlab-token", "glpat-", rb"glpat-[A-Za-z0-9_-]{20,60}"),
    _token("slack-token", "xoxb- xoxa- xoxp- xoxr- xoxs-", rb"xox[abprs]-[A-Za-z0-9-]{20,200}"),
    rule(
        "slack-webhook",
        "hooks.slack.com/services/",
        rb"https://hooks\.slack\.com/services/(?P<value>T\w{6,}/B\w{6,}/\w{18,64})",
        where=EVERYWHERE,
    ),
    _token("gcp-api-key", "AIza", rb"AIza[A-Za-z0-9_-]{35}"),
    _token("stripe-key", "sk_live_ rk_live_", rb"[sr]k_live_[A-Za-z0-9]{20,120}"),
    _token("sendgrid-key", "SG.", rb"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _token(
        "jwt", "eyJ", rb"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16,1000}"
    ),
    rule(
        "gcp-service-account",
        '"private_key"',
        rb'"private_key"\s{0,8}:\s{0,8}'
        rb'"(?P<value>-----BEGIN (?:RSA )?PRIVATE KEY-----[^"]{100,8000})"',
        where=STORED,
    ),
    rule(
        "azure-storage-key",
        "accountkey=",
        rb"(?:AccountName=(?P<holder>[\w-]{1,60});)?AccountKey=(?P<value>[A-Za-z0-9+/]{86}==)",
        where=EVERYWHERE,
    ),
    rule(
        "azure-shared-key",
        "sharedaccesskey=",
        rb"(?:HostName=(?P<holder>[\w.-]{1,80});[^\s\"']{0,160})?"
        rb"SharedAccessKey=(?P<value>[A-Za-z0-9+/]{43}=)",
        where=EVERYWHERE,
    ),
    _token("gcp-client-secret", "GOCSPX-", rb"GOCSPX-[A-Za-z0-9_-]{28}"),
    _token("digitalocean-token", "dop_v1_", rb"dop_v1_[a-f0-9]{64}"),
    _token("npm-token", "npm_", rb"npm_[A-Za-z0-9]{36}"),
    _token("pypi-token", "pypi-AgEI", rb"pypi-AgEI[A-Za-z0-9_-]{50,200}"),
    _token("azure-client-secret", "Q~", rb"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
)

WEB = (
    # RFC 3986, 3.2.1 (deprecated there, and still in use).
    rule(
        "url-credentials",
        "://",
        rb"(?<![a-z0-9])[a-z][a-z0-9+.-]{1,20}://[^][\s/:@\"'<>\\\0]{0,64}:(?P<value>[^][\s/\"'<>\\\0]{1,128})"
        rb"@(?P<holder>\[?[a-z0-9](?:[a-z0-9.:-]{0,100}[a-z0-9])?)",
        where=EVERYWHERE,
    ),
    # RFC 7617 and RFC 6750.
    rule(
        "basic-auth",
        "authorization:",
        rb"Authorization:[ \t]*Basic[ \t]+(?P<value>[A-Za-z0-9+/]{6,400}={0,2})(?![A-Za-z0-9+/=])",
        where=EVERYWHERE,
    ),
    rule(
        "docker-auth",
        '"auth"',
        rb'"auth"[ \t]*:[ \t]*"(?P<value>[A-Za-z0-9+/]{6,400}={0,2})"',
        where=STORED,
    ),
    rule(
        "api-key",
        "x-api-key: x-auth-token:",
        rb"X-(?:Api-Key|Auth-Token):[ \t]*(?P<value>[A-Za-z0-9._~+/-]{12,400}=*)",
        where=EVERYWHERE,
    ),
    rule(
        "bearer-token",
        "authorization:",
        rb"Authorization:[ \t]*(?:Bearer|Token)[ \t]+(?P<value>[A-Za-z0-9._~+/-]{16,2000}=*)",
        where=EVERYWHERE,
    ),
)
