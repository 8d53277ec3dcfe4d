"""Passwords, tokens and shared keys that stand in configuration, scripts, URLs and programs.

How it works: every rule (`secret_forms.catalogue`) has fixed strings that must stand in the
content; only the lines around them are held against the rule's pattern. ELF files are
searched for what is telling by its own form (tokens, URLs, commands with passwords, and
`password=` strings), not for settings. Values that stand in for others (`$PASS`, `@PASSWORD@`,
`%s`, `<password>`) are dropped, comments and documentation too; where only the setting's name
tells, words of prose and code are dropped as well.

Known false positives: examples that look real and stand outside comments; test data inside
programs. Known false negatives: values that are encoded, encrypted or put together at run time;
settings whose names say nothing; commented-out values; strings that a compiler split.

Sources: see the rules.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from assay.examine.contract import Content, Examiner
from assay.examine.secret_forms.catalogue import RULES
from assay.examine.secret_forms.placeholders import stands_in, unlikely
from assay.examine.secret_forms.rules import TOKENS, In, Rule
from assay.examine.secret_forms.scan import MASK, Needles, is_elf, is_text, printable
from assay.model.observations import Credential, Evidence, Observation, Unmeasured
from assay.model.tree import File

_TOKENS = frozenset(TOKENS)
_MOST = 100
_LINE = 2048
_CONTEXT = 3000
_WHOLE = 64 << 10
_MOST_LINES = 2000
_LONG_FORM = 10_000  # a service account's key spans this many bytes of one line
_LONG = frozenset({"gcp-service-account", "jwt"})

_DOCUMENTS = re.compile(
    r"(?:^|/)(?:usr/share/(?:doc|man|info|locale|i18n|help|gtk-doc|lintian|bash-completion|zsh|vim"
    r"|nmap)|man\d?)/|\.(?:po|mo|gmo|rst|md|html?|css|svg|pod|tex|texi|mib|c|h|cc|cpp|\d)$"
    r"|(?:^|/)(?:MIB|[A-Z0-9-]+-MIB)\b"
)
_TABLES = re.compile(
    r"(?:^|/)(?:(?:master\.)?passwd|shadow|[^/]*ht(?:passwd|digest))(?:[-._~][^/]*)?$"
)
_CODE = re.compile(r"\.(?:py|js|mjs|pl|pm|rb|php|lua|tcl|java|ts|vala|el|go|rs|inc|awk|sql)$")
_INTERPRETED = re.compile(rb"#![^\n]{0,80}(?:python|perl|ruby|php|lua|node|tcl|awk)")
_COMMENT = re.compile(
    rb"^[ \t]*(?:#|;|//|\*|/\*|<!--|--[ \t]|\.\\\"|dnl\b|!|REM\b|%[ \t])", re.IGNORECASE
)
_NAMED = re.compile(
    rb"ssid[\"']?(?:[ \t]*[=>:][ \t]*|[ \t]+)[\"']?([^\"'\s<>\0]{1,32})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Hit:
    rule: Rule
    start: int
    value: bytes
    holder: str
    shown: str


def _wants(file: File) -> bool:
    return file.has_content and file.size >= 4  # noqa: PLR2004


def _examine(content: Content, file: File) -> Iterator[Observation]:
    kind = In.ELF if is_elf(content.data) else In.TEXT if is_text(content.data) else In.DATA
    rules = _fitting(kind, file.path, bytes(content.data[:128]))
    taken: list[tuple[int, int]] = []
    hits: list[_Hit] = []
    places, complete = _places(content.data, rules, kind)
    for hit in _hits(content.data, rules, places, kind):
        end = hit.start + len(hit.value)
        if any(hit.start < other_end and start < end for start, other_end in taken):
            continue
        taken.append((hit.start, end))
        hits.append(hit)
        if len(hits) >= _MOST:
            break
    values = tuple({hit.value.lower() for hit in hits})
    for hit in sorted(hits, key=lambda hit: hit.start):
        yield _observation(content, hit, values)
    if len(hits) >= _MOST or not complete:
        yield Unmeasured(what="credentials", why="more places in one file than are looked at")


def _fitting(kind: In, path: str, head: bytes) -> list[Rule]:
    """The rules that fit this kind of content at this path."""
    documents = _DOCUMENTS.search(path) is not None
    table = _TABLES.search(path) is not None
    code = _CODE.search(path) is not None or _INTERPRETED.match(head) is not None
    return [
        rule
        for rule in _prepared(kind).rules
        if (rule.places is None or rule.places.search(path))
        and not (documents and rule not in _TOKENS)
        and not (table and rule.category == "password-hash")
        and not (code and rule in _BARE)
    ]


_BARE = frozenset(rule for rule in RULES if rule.general and "v3" in rule.values)


class _Prepared(NamedTuple):
    """The rules for a kind of content, their anchors, and by an anchor's number who has it."""

    rules: tuple[Rule, ...]
    needles: Needles
    users: tuple[tuple[Rule, ...], ...]


@cache
def _prepared(kind: In) -> _Prepared:
    rules = tuple(rule for rule in RULES if kind in rule.where)
    users: dict[tuple[bool, bytes], list[Rule]] = {}
    for rule in rules:
        for anchor in rule.anchors:
            users.setdefault((not rule.case, anchor), []).append(rule)
    ordered = sorted(users)
    needles = Needles(
        [anchor for folded, anchor in ordered if not folded],
        [anchor for folded, anchor in ordered if folded],
    )
    return _Prepared(rules, needles, tuple(tuple(users[key]) for key in ordered))


def _hits(
    data: memoryview, rules: list[Rule], places: Mapping[Rule, Sequence[int]], kind: In
) -> Iterator[_Hit]:
    for rule in rules:
        seen_to = -1
        previous = (-1, -1)
        for place in places.get(rule, ()):
            if place + _margin(rule) < seen_to:
                continue
            span = _around(data, place, rule)
            if span == previous:
                continue
            previous, seen_to = span, span[1]
            yield from _matches(data, span, rule, kind)


def _places(
    data: memoryview, rules: list[Rule], kind: In
) -> tuple[Mapping[Rule, Sequence[int]], bool]:
    """For each rule the offsets of its anchors, and whether they are all.

    Of a rule without anchors, every line's start.
    """
    _, needles, users = _prepared(kind)
    found = needles.find(data)
    places: dict[Rule, list[int]] = {}
    if found.hits:
        fitting = set(rules)
        for offset, number in found.hits:
            for rule in users[number]:
                if rule in fitting:
                    places.setdefault(rule, []).append(offset)
    complete = found.complete
    for rule in rules:
        if not rule.anchors:
            places[rule] = _line_starts(data)
            complete = complete and len(data) <= _WHOLE and len(places[rule]) < _MOST_LINES
    return places, complete


def _line_starts(data: memoryview) -> list[int]:
    ends = re.finditer(rb"\n", bytes(data[:_WHOLE]))
    return [0, *(match.end() for match in ends)][:_MOST_LINES]


def _reach(rule: Rule) -> int:
    """How many bytes behind a rule's anchor are looked at."""
    return _LONG_FORM if rule.category in _LONG else _LINE


def _margin(rule: Rule) -> int:
    """How far behind its anchor a rule's value ends at most: what was looked at up to there was
    looked at whole, and a line of many anchors isn't held against the rule for each of them."""
    return _LONG_FORM * 9 // 10 if rule.category in _LONG else _LINE // 2


def _around(data: memoryview, place: int, rule: Rule) -> tuple[int, int]:
    """The line around a place, or so much of a very long one."""
    if rule.category == "openvpn-auth" and not rule.anchors:
        return (0, len(data)) if place == 0 and len(data) < _LINE else (0, 0)
    reach = _reach(rule)
    low = max(0, place - _LINE)
    before = bytes(data[low:place])
    cut = max(before.rfind(b"\n"), before.rfind(b"\0")) + 1
    after = bytes(data[place : place + reach])
    if rule.category == "openvpn-auth":
        return place, place + min(len(after), 300)
    ends = [end for end in (after.find(b"\n"), after.find(b"\0")) if end >= 0]
    return low + cut, place + (min(ends) + 1 if ends else len(after))


def _matches(data: memoryview, span: tuple[int, int], rule: Rule, kind: In) -> Iterator[_Hit]:
    line = bytes(data[span[0] : span[1]])
    if kind is In.TEXT and _COMMENT.match(line) and not rule.commented:
        return
    for match in rule.pattern.finditer(line):
        name, value = _value(match, rule)
        if stands_in(value) or (rule.general and unlikely(value)):
            continue
        start = span[0] + match.start(name)
        before = bytes(data[max(0, start - _CONTEXT) : start])
        if kind is In.TEXT and before.rfind(b"<!--") > before.rfind(b"-->"):
            continue
        if rule.context and not rule.context.search(before.replace(b"\n", b" ")):
            continue
        if not _credible(rule, value):
            continue
        shown = printable(match.string[match.start() : match.start(name)], 80)
        yield _Hit(rule, start, value, _holder(match, rule, before, data, start), shown)


def _value(match: re.Match[bytes], rule: Rule) -> tuple[str, bytes]:
    name = next(name for name in rule.values if match[name] is not None)
    value: bytes = match[name].rstrip(b"\r")
    if name == "v3":
        value = value.rstrip(b",;")
    return name, value


def _credible(rule: Rule, value: bytes) -> bool:
    if rule.category in ("basic-auth", "docker-auth"):
        return _decodes_to_pair(value)
    if rule.category in ("aws-access-key", "aws-secret-key"):
        return b"EXAMPLE" not in value
    return True


def _decodes_to_pair(value: bytes) -> bool:
    try:
        user, colon, password = base64.b64decode(value, validate=True).partition(b":")
    except binascii.Error:
        return False
    return bool(colon and password) and all(31 < byte < 127 for byte in user)  # noqa: PLR2004


def _holder(match: re.Match[bytes], rule: Rule, before: bytes, data: memoryview, start: int) -> str:
    held = match.groupdict().get("holder")
    if held is None and rule.category == "wifi-psk":
        near = _NAMED.findall(before[-600:])
        following = _NAMED.search(bytes(data[start : start + 400]))
        held = near[-1] if near else following[1] if following else None
    return printable((held or b"").strip(b" \t\"'"), 80)


def _observation(content: Content, hit: _Hit, values: tuple[bytes, ...]) -> Credential:
    """No value of the file's may stand in what is shown, not that of another hit either."""
    holder = "" if _leaks(hit.holder, values) else hit.holder
    shown = "" if _leaks(hit.shown, values) else hit.shown.strip()
    return Credential(
        category=hit.rule.category,
        holder=holder,
        seal=content.seal(hit.value),
        evidence=Evidence(offset=hit.start, excerpt=f"{shown} {MASK}".strip()),
    )


def _leaks(text: str, values: tuple[bytes, ...]) -> bool:
    low = text.lower().encode()
    return any(value in low for value in values)


EXAMINER = Examiner(name="credentials", version="2", wants=_wants, examine=_examine, sees="path")
