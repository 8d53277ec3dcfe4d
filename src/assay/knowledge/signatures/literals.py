"""The texts that a C or C++ source file leaves in a binary.

How it works: one regular expression finds comments, literals and the directives whose texts never
reach an object. Literals with nothing but white space and comments between them are one. A macro
between or beside literals is spelt out where the same file defines it or the C standard does
(`PRIu64`: both widths); else the run that touches it is not known and is dropped, the rest stays.

Known gaps: texts made by macros of other files, trigraphs, wide and raw literals; code under
`#if 0` counts as code.

Sources: ISO C11 5.1.1.2 (translation phases), 6.4.5 (string literals), 7.8.1 (format macros).
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.knowledge.signatures.text import LONGEST, SHORTEST

_TOKEN = re.compile(
    rb"/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/"
    rb"|//[^\n]*"
    rb'|"(?:[^"\\\n]++|\\.)*+"'
    rb"|'(?:[^'\\\n]|\\.){1,4}'"
    rb"|#[ \t]*(?:include|error|warning|pragma|line|import|ident)\b(?:[^\n\\]|\\.)*",
    re.DOTALL,
)
_WORD = re.compile(rb"\s*+([A-Za-z_]\w*+)(?:\s*+\([^()\"]*+\))?+\s*+")
_LAST_WORD = re.compile(rb"\b([A-Za-z_]\w*+)(?:\s*+\([^()\"]*+\))?+\Z")
_DEFINING = re.compile(rb"#[ \t]*define[ \t]+(\w+)(\([^)]*\))?[ \t(]*\Z")
_KEYWORDS = frozenset(b"return case else extern asm __asm__ sizeof do goto throw in and or".split())
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]+)|(\r?\n)|(.))", re.DOTALL)
_CONTROL = {
    b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v",
    b"e": b"\x1b", b"u": b"\xff", b"U": b"\xff",
}  # fmt: skip
_UNKNOWN = b"\x01"
_FORMAT = re.compile(rb"PRI([diouxX])(?:LEAST|FAST)?(8|16|32|64|MAX|PTR)\Z")
_RUN = re.compile(rb"[\x20-\x7e\t]{%d,%d}" % (SHORTEST, LONGEST))
_NEAR = 400
_NAME_LENGTH = 80
_QUOTE, _SLASH, _OPENING = b'"/('
_WORD_ENDS = frozenset(b"_()" + string.ascii_letters.encode() + string.digits.encode())
_PLAIN_ENDS = frozenset((b",", b")", b";", b"}", b"]", b":", b"?"))


@dataclass(slots=True)
class _Sequence:
    """Literals and macros that stand together, in their order."""

    parts: list[tuple[bool, bytes]] = field(default_factory=list)
    defines: bytes = b""
    formats: bool = False

    def literal(self, token: bytes) -> None:
        self.parts.append((True, token[1:-1]))

    def macro(self, name: bytes) -> None:
        self.parts.append((False, name))
        self.formats |= name.startswith(b"PRI")

    def spelt(self, macros: dict[bytes, bytes], *, wide: bool) -> bytes:
        """The bytes in the object, with a mark for each macro that is not known."""
        return b"".join(
            _decoded(part) if literal else _format(part, macros, wide=wide)
            for literal, part in self.parts
        )


def texts(data: bytes) -> Iterator[bytes]:
    """The runs that the file's literals make in an object, as often as they stand there."""
    macros: dict[bytes, bytes] = {}
    for sequence in _sequences(data, macros):
        spelt = sequence.spelt(macros, wide=True)
        yield from _runs(spelt)
        if sequence.formats:
            yield from _runs(sequence.spelt(macros, wide=False))


def _sequences(data: bytes, macros: dict[bytes, bytes]) -> Iterator[_Sequence]:
    """All sequences. `macros` is filled, before a sequence is handed out, with those it may use."""
    current: _Sequence | None = None
    between: list[bytes] = []
    end = 0
    for token in _TOKEN.finditer(data):
        start = token.start()
        between.append(data[end:start])
        end = token.end()
        if data[start] == _QUOTE:
            gap = between[0] if len(between) == 1 else b" ".join(between)
            between.clear()
            if current is None or not _continued(current, gap):
                if current is not None:
                    _close(current, gap, macros)
                    yield current
                current = _opened(gap)
            current.literal(token[0])
        elif data[start] != _SLASH:
            between.append(b";")
    if current is not None:
        _close(current, b" ".join([*between, data[end : end + _NEAR]]), macros)
        yield current


def _continued(sequence: _Sequence, gap: bytes) -> bool:
    """Whether the next literal belongs to the sequence; notes the macros on the way to it."""
    if gap[:1] in _PLAIN_ENDS or len(gap) > _NEAR:
        return False
    rest = gap.replace(b"\\\n", b"\n").strip()
    words, at = [], 0
    while at < len(rest):
        word = _WORD.match(rest, at)
        if word is None or word[1] in _KEYWORDS:
            return False
        words.append(word[1])
        at = word.end()
    for name in words:
        sequence.macro(name)
    return True


def _opened(gap: bytes) -> _Sequence:
    sequence = _Sequence()
    # Nearly all literals stand behind a comma, a parenthesis or an equals sign.
    before = gap[-_NEAR:].rstrip()
    if before.endswith(b"\\"):
        before = before[:-1].rstrip()
    if not before or before[-1] not in _WORD_ENDS:
        return sequence
    if defining := _DEFINING.search(before):
        sequence.defines = b"" if defining[2] else defining[1]
        return sequence
    word = _LAST_WORD.search(before[-_NAME_LENGTH:]) if before[-1] != _OPENING else None
    if word and word[1] not in _KEYWORDS and word[1] != b"u8":
        sequence.macro(word[1])
    return sequence


def _close(sequence: _Sequence, gap: bytes, macros: dict[bytes, bytes]) -> None:
    if sequence.defines:
        line = gap[:_NEAR].partition(b"\n")[0].strip(b" \t\r)")
        if not line:
            spelt = sequence.spelt(macros, wide=True)
            if _UNKNOWN not in spelt:
                macros[sequence.defines] = spelt
            return
    if gap[:1] not in _PLAIN_ENDS and (word := _WORD.match(gap[:_NEAR])):
        sequence.macro(word[1])


def _format(name: bytes, macros: dict[bytes, bytes], *, wide: bool) -> bytes:
    """What a macro stands for, as far as it is known."""
    if (known := macros.get(name)) is not None:
        return known
    match = _FORMAT.match(name)
    if match is None:
        return _UNKNOWN
    if match[2] in (b"64", b"MAX"):
        return (b"l" if wide else b"ll") + match[1]
    return (b"l" if wide and match[2] == b"PTR" else b"") + match[1]


def _decoded(literal: bytes) -> bytes:
    if b"\\" not in literal:
        return literal
    return _ESCAPE.sub(_escape, literal)


def _escape(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, newline, simple = match.groups()
    if octal or hexadecimal:
        value = int(octal, 8) if octal else int(hexadecimal, 16)
        # The mark for the unknown is none of the program's own bytes.
        return bytes([value & 0xFF]) if value != _UNKNOWN[0] else b"\x02"
    return b"" if newline else _CONTROL.get(simple, simple)


def _runs(spelt: bytes) -> Iterator[bytes]:
    for run in _RUN.finditer(spelt):
        start, end = run.span()
        if spelt[start - 1 : start] != _UNKNOWN and spelt[end : end + 1] != _UNKNOWN:
            yield run[0]
